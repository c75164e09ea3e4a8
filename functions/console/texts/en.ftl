## The layout
skip = Skip to the page
shop = Shop:
sections = Sections
sign-in = Sign in
sign-out = Sign out
home = To the first page
live-stale = These numbers are not up to date. The connection is being tried again.
print = Print
as-of = As of { $time }
section-desk = Desk
signed-out-title = You are signed out
signed-out-detail = This browser has forgotten your session. On a shared computer, end the provider's session, too.
signed-out-provider = End the provider's session

## Times: $weekday is 1 for Monday, $month is 1 for January
show-day = { $weekday ->
        [1] Mon
        [2] Tue
        [3] Wed
        [4] Thu
        [5] Fri
        [6] Sat
       *[7] Sun
    } { $day } { $month ->
        [1] Jan
        [2] Feb
        [3] Mar
        [4] Apr
        [5] May
        [6] Jun
        [7] Jul
        [8] Aug
        [9] Sep
        [10] Oct
        [11] Nov
       *[12] Dec
    } { $year }

## Desk
desk-title = Departures
desk-departure = Departure
desk-free = Free seats
desk-taken = Held
desk-price = Price
desk-none = No departures yet. A stock clerk adds them.
desk-seats = { $sold } sold, { $free } free.
desk-nobody = Nobody has a seat yet.
desk-party = Party
desk-seat-count = Seats
desk-booked-at = Booked
desk-book-title = Book a party
desk-book = Book

## Refusals
title-signed-out = You are signed out
refusal-signed-out = Your session has ended. Nothing was changed. Sign in, and send the form again.
title-sign-in-failed = You are not signed in
refusal-sign-in-failed = The sign-in was cancelled, took too long, or was refused by the provider. Try again.
title-form-stale = This page is from an earlier session
refusal-form-stale = The form was not made in this session. Nothing was changed. Open the page again, and send the form from there.
title-role-missing = Your role does not open this page
refusal-role-missing = Ask the owner of the shop for another role.
title-nothing-to-open = You have no role or no shop
refusal-nothing-to-open = You are signed in, but your account has no role or no shop here. Ask the owner.
title-not-found = Not found
refusal-not-found = There is no such thing, or you may not see it.
title-unavailable = Please try again
refusal-unavailable = The system could not decide. Send the form again: it takes effect once.
title-internal = Something failed
refusal-internal = Something failed on our side. The log has the cause.
title-invalid-request = The form has a mistake
