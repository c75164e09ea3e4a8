## The layout
skip = Skip to the page
shop = Shop:
sections = Sections
sign-in = Sign in
sign-out = Sign out
home = To the first page
live-signed-out = You are signed out. These numbers are not up to date.
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

## Words of several pages
today = today
day = Day
day-before = ← Day before
day-after = Next day →
show = Show
more = More
optional = optional
by = by { $actor }
status-open = holds stock
status-awaiting-payment = waits for payment
status-paid = paid
status-review = needs a decision
status-refund-due = money is owed back
status-refunded = money went back
status-expired = time ran out
status-cancelled = cancelled
status-released = given up
status-revoked = ended by staff
status-ordered = ordered
status-held = held
status-completed = completed the order
status-completed-late = came late, and completed the order
status-duplicate = a repetition
status-ignored = no effect
status-parked = waits for its order
status-dismissed = put aside
status-recorded = noted
status-no-effect = no effect
status-excess = paid twice, owed back
status-sent = sent
status-waiting = waits to be sent
status-failed = failed
status-pending = under way
status-owed = owed
status-settled = done
status-counts = counts for the order
status-does-not-count = does not count for the order

## Desk
desk-title = Departures
desk-departure = Departure
desk-other-day = Departures of another day
desk-other-day-hint = the field above then lists them
desk-free = free
desk-free-count = { $free ->
    [one] { $free } seat free
   *[other] { $free } seats free
  }
desk-full = full
desk-closed = closed
desk-left = has left
desk-each = { $price } a seat
desk-sold-held = { $sold } sold, { $held } held
desk-none = No departure on this day.
desk-cut = There are more departures than this page shows.
desk-seats = { $sold } sold, { $free } free.
desk-nobody = Nobody has a seat yet.
desk-party = Party
desk-party-hint = name and telephone number
desk-seat-count = Seats
desk-note = Note
desk-booked-at = Booked
desk-book-title = Book a party
desk-book = Book
desk-booked = Booked. The seats are sold.
desk-open-booking = Open the booking
desk-only-free = { $free ->
    [0] No seat is left on this departure.
   *[other] Only { $free } left on this departure.
  }
desk-instead = Offer another departure
desk-no-neighbour = No other departure has so many free seats.
desk-book-here = Book here instead
desk-manifest = Manifest
desk-goes-on = The manifest goes on: more parties follow.
desk-held = held
desk-sold-mark = sold
desk-cancelled = cancelled
desk-seats-now = { $seats ->
    [one] { $seats } seat
   *[other] { $seats } seats
  }
desk-stay = This departure
desk-change = Change the booking
desk-change-hint = More seats, fewer, or another departure. All or nothing.
desk-change-short = Not enough free seats. Nothing was changed.
desk-done-change = The booking is changed.
desk-done-cancel = The booking is cancelled. Its seats are free.
desk-was = { $seats ->
    [one] It was { $seats } seat:
   *[other] It was { $seats } seats:
  }
desk-was-hint = To book again, open the departure.
desk-cancel = Cancel the booking…
desk-cancel-means = All seats of the booking are free again, at once. What the party paid at the desk goes back at the desk.
desk-cancel-now = Cancel the booking

## Support
section-support = Support
support-title = Find a purchase
support-search = Search
support-search-hint = an id, a payment reference, a gateway's id, a telephone number, or the first three letters of a name
support-find = Find
support-customer = Customer
support-status = Status
support-reference = Payment reference
support-began = Began
support-cut = There are more. Search for something narrower.
support-nothing = Nothing was found. Check the digits, or search by telephone number or by the beginning of the name.
support-unmatched = Money without an order
support-unmatched-means = A gateway reported this money, and no order here has its reference.
support-parked = waits for its order
support-redrive = Try again
support-redrive-means = The stored message is tried again. If its order is known by now, the money completes it or is owed back. Otherwise it waits on.
support-dismiss = Put aside
support-dismiss-means = The money is not for this shop. The message stays as evidence, with your name, and never has an effect.
support-timeline = What happened
support-facts = Facts
support-checkout = Checkout
support-total = Total
support-refund = Give money back…
support-refund-means = At most { $amount } can go back. The gateway sends it to the customer, who sees it after some days. The goods stay sold.
support-refund-now = Give the money back
support-accept = Take the money as it came…
support-accept-means = { $amount } came, and the order costs { $total }. If you take the money, the order counts as paid, and its units are sold. If the goods are gone, give the money back instead.
support-accept-now = Take the money
support-amount = Amount
support-note = Reason
support-retry = Send the refund again
support-retry-means = The gateway gets the refund again. If it called the first one failed for good, a new one takes its place. The customer gets the money once.
support-revoke = End this checkout…
support-revoke-means = Its units are free for others at once, and an unpaid order is cancelled. The customer must be told. Money that still comes is owed back.
support-revoke-now = End the checkout
support-done-refund = The money is owed back. The next run sends it to the gateway.
support-done-retry = The refund is under way again.
support-done-accept = The money is taken. The order is paid.
support-done-revoke = The checkout has ended. Its units are free.
support-done-redrive = The message no longer waits: it has had its effect.
support-done-redrive-parked = It was tried again, and waits on: no order here has its reference.
support-done-redrive-waits = Something else is under way with its order. It is tried again within a minute.
support-done-dismiss = The message was put aside.

## What happened to a checkout
event-checkout-begun = The customer began a checkout: the units are held
event-cart-replaced = The cart was changed: new units are held
event-held-again = The units are held again
event-hold-expired = The time ran out: the units were free again
event-checkout-released = The customer gave up the checkout
event-checkout-revoked = Staff ended the checkout
event-order-made = The customer ordered, and was sent to pay
event-order-booked = The desk booked: sold at once
event-order-paid = The order is paid, and its units are sold
event-money-accepted = Staff accepted the money as it came
event-gateway-reported-paid = The gateway reported a payment
event-gateway-reported-failed = The gateway reported a failed try to pay
event-gateway-reported-dropped = The gateway reported that the customer left the payment
event-gateway-reported-pending = The gateway reported a payment that is under way
event-gateway-reported-refund-pending = The gateway reported a refund under way
event-gateway-reported-refund-settled = The gateway reported that money went back
event-gateway-reported-refund-failed = The gateway reported that a refund failed
event-gateway-reported-disputed = The gateway reported that a bank asks for the money
event-gateway-reported-dispute-won = The gateway reported that the shop keeps the money
event-gateway-reported-dispute-lost = The gateway reported that the bank took the money
event-gateway-reported-dispute-closed = The gateway reported the end of a dispute
event-gateway-reported-other = The gateway reported something without effect
event-money-captured = The gateway took the money
event-refund-owed = Money is owed back
event-refund-settled = The money went back
event-refund-failed = Sending the money back failed
event-dispute-opened = A bank asks for the money
event-dispute-won = The dispute ended: the shop keeps the money
event-dispute-lost = The dispute ended: the bank took the money
event-dispute-closed = The dispute ended
event-stock-received = Stock came in
event-stock-adjusted = Stock was corrected
event-stock-sold = The units left the stock
event-stock-returned = Units came back
event-stock-missing = Units were missing
event-announced = An announcement to other systems
reason-late = the payment came too late
reason-excess = more was paid than the order costs
reason-review = staff gave the money back
reason-requested = staff asked for it
reason-gateway = given back at the gateway

## Words of several pages
older = Older

## Stock room
section-stock = Stock room
stock-title = Stock room
stock-ledger = Ledger
stock-find = Find a sku
stock-find-hint = Type the beginnings of words of its title or code: "leh red"
stock-find-do = Find
stock-none = This shop has no skus yet. Import a file.
stock-not-found = Nothing begins with "{ $q }".
stock-cut = There are more. Type more words to find the others.
stock-sku = Sku
stock-code = Code of the sku
stock-on-hand = On hand
stock-held = Held
stock-available = Free
stock-price = Price
stock-retired = Off sale
stock-ended-by = sale ended by { $actor }
stock-done = Done. The ledger below has the change.
stock-note = Reason
stock-reference = Reference
stock-receive = Receive
stock-receive-hint = Units that came in.
stock-receive-number = Units
stock-receive-do = Receive
stock-count = Count
stock-count-hint = The number on the shelf. The ledger gets the difference.
stock-count-number = Counted units
stock-count-do = Set to this count
stock-adjust = Adjust
stock-adjust-hint = A difference, such as 3 or -2. Held units always stay.
stock-adjust-number = Difference
stock-adjust-do = Adjust
stock-shrink = Missing
stock-shrink-hint = Units that are not there, also if shoppers hold them. You see whose holds break before anything changes.
stock-shrink-number = Missing units
stock-shrink-do = See the effect
stock-stale = Somebody has changed this stock since you opened the page. Nothing of yours was changed.
stock-stale-numbers = You saw { $seen }. Now { $now } are on hand.
stock-stale-again = What you typed is still in the form. Send it again if it is still right.
shrink-sure = Nothing has changed yet. This would happen:
shrink-numbers = { $on-hand } units would be on hand, and { $held } of them held.
shrink-nobody = No hold breaks.
shrink-who = These shoppers lose their holds. Each is told by an announcement:
shrink-order = order cancelled
shrink-now = Take the units out
shrink-not = Change nothing
ledger-show = Show
ledger-at = When
ledger-why = Reason
ledger-delta = Change
ledger-after = On hand after
ledger-actor = By
ledger-none = Nothing here.
ledger-received = Received
ledger-adjusted = Adjusted
ledger-sold = Sold
ledger-returned = Returned
ledger-missing = Missing
import-title = Import a file
import-file = File
import-file-hint = CSV of a spreadsheet, or JSON lines; up to 50,000 rows and 4 MB
import-columns = The column sku is enough to find a row. What a row does not have stays as it is. Nothing changes before you have seen every row.
import-all-columns = All columns
import-example = The first line names the columns:
column-sku = The code. It alone must be there.
column-title = The name that shoppers see. A new sku needs it.
column-attributes = Facts in the shop's own form, as JSON
column-price-minor = The price in the smallest coin: ₹2,499.00 is 249900. A new sku needs it.
column-currency = Only the shop's own, such as INR
column-sale-opens-at = When the sale opens: 2026-12-24T10:00:00+05:30
column-sale-closes-at = When the sale closes, in the same form
column-departs-at = When a departure leaves, in the same form
column-low-stock-threshold = Announced as low from so many free units on
column-limit-per-customer = So many units for one customer
column-retired = true: off sale for good
column-on-hand = The counted units. They replace the old number.
column-expected-version = Refuses the row if the stock has changed since this version
import-try = Try it, change nothing
import-no-id = The form is incomplete. Open the page again.
import-empty = The file has no rows.
import-status-open = The rows have come in.
import-status-trying = The rows are being tried.
import-status-tried = Every row was tried. Nothing has changed yet.
import-status-applying = The rows are being applied.
import-status-done = The import is done.
import-status-rejected = A row was refused. Nothing was changed.
import-done-of = { $done } of { $rows } rows
import-created = { $number } new
import-changed = { $number } changed
import-unchanged = { $number } unchanged
import-refused = { $number } refused
import-go-on = Go on
import-nothing-yet = Nothing has changed yet.
import-without = { $number ->
    [one] { $number } refused row is left out.
   *[other] { $number } refused rows are left out.
  }
import-apply = Apply: { $created } new, { $changed } changed
import-other = Another file
import-all = All rows
import-only-changed = Changed
import-only-created = New
import-only-refused = Refused
import-line = Line
import-outcome = Result
import-changes = Before → after
import-no-row = No row.
import-row-created = new
import-row-changed = changed
import-row-unchanged = unchanged
import-row-refused = refused
import-row-waiting = not tried yet
import-nothing = nothing
field-title = Title
field-price-minor = Price
field-on-hand = On hand
field-low-stock-threshold = Low from
field-limit-per-customer = Limit for a customer
field-sale-opens-at = Sale opens
field-sale-closes-at = Sale closes
field-departs-at = Departs
field-retired = Off sale
field-attributes = Attributes

## Sale
section-sale = Sale
sale-title = Sale
sale-sold = Sold
sale-held = Held
sale-left = Left
sale-promises = Promises
sale-promises-kept = All kept
sale-promises-late = The last check is old
sale-promises-unchecked = Not checked yet
sale-promises-broken = { $number } broken
sale-checked = checked at { $time }
sale-chart = The last half hour, minute by minute
sale-grants = Carts that got their units
sale-units = Units sold
sale-payments = Payments
sale-late = of them late
sale-complete-from = Numbers before { $time } are at least these: there were too many to count them all.
sale-minutes = The chart as a table
sale-minute = Minute
sale-refusals = A refused cart writes nothing, so refusals are not here. The metric HoldsRefused of the function checkout counts them.
sale-quiet = Nothing was sold lately, and nothing is held.
sale-skus = Skus that sell now
sale-sku = Sku
sale-do = Actions
sale-ended = ended
sale-add = Add stock
sale-end = End the sale
sale-ending = Holds that end next
sale-ending-none = Nobody holds anything.
sale-hold-units = { $units ->
        [one] { $units } unit
       *[other] { $units } units
    }
sale-hold-ordered = awaits a payment
sale-end-title = End the sale?
sale-end-consequence = Nobody can put it into a cart any more. The { $held } held units stay held until they are paid or run out. { $left } free units stay in stock.
sale-end-now = End the sale now
sale-end-not = Go on selling

## Health
section-health = Health
health-title = Health
health-well = Nothing in this shop needs you.
health-what = What
health-measure = Now
health-state = State
health-runbook = Runbook
health-rings = needs you
health-fine = fine
health-unknown = not known yet
health-seconds = { $number } s
health-minutes = { $number } min
health-hours = { $number } h
health-days = { $number } days
health-fault-broken = Broken promises
health-fault-check = Since the last check of the promises
health-fault-parked = Payments without an order here
health-fault-refunds-failed = Failed refunds
health-fault-refunds-owed = Oldest refund that was not sent
health-fault-refunds-pending = Oldest refund that the gateway has not finished
health-fault-due = Oldest hold past its time
health-fault-outbox = Oldest announcement that was not sent
health-fault-disabled = Subscribers that refuse everything
health-fault-deliveries = Oldest announcement that a subscriber waits for
health-fault-given-up = Deliveries given up today
health-fault-queue = Webhooks in the queue
health-queue = Only AWS knows the age of the queue. Its alarm tells you.
health-broken-rows = The rows that break a promise
health-parked = Payments without an order here
health-refunds = Failed refunds
health-since = Since
health-gateway = Gateway
health-parked-more = Event and reference
health-amount = Amount
health-act = Open in support
health-refunds-more = Error
health-subscribers = Subscribers
health-subscriber = Subscriber
health-waiting = Waiting
health-given-up = Given up
health-disabled = off
health-enabled = on
health-no-subscriber = This shop has no subscriber.
log-test = Send a test message
log-disabled = This subscriber answered 410 (gone) on { $time }. It gets nothing.
log-enable = Enable it
log-enable-means = Enable it when its address answers again. It gets what is announced from then on. Nothing is sent that was announced while it was disabled. What was given up before can be sent again below.
log-when = The sweeper sends what waits within a minute. Ended deliveries are kept for 30 days.
log-none = Nothing was sent yet.
log-at = Announced
log-type = Type
log-answer = Answer
log-tries = Tries
log-delivered = delivered
log-waiting = waits
log-failed = failed, tried again
log-given-up = given up
log-next-try = next try at { $time }
log-resent-by = sent again by { $actor }
log-resend = Send again
log-resend-one = Send again: { $type }

## Fields of forms, in refusals
input-party = Party
input-seats = Seats
input-note = Note
input-reference = Reference
input-quantity = Units
input-on-hand = Counted units
input-delta = Difference
input-missing = Missing units
input-amount = Amount
input-q = Search
input-sku = Sku

## Refusals
title-signed-out = You are signed out
refusal-signed-out = Your session has ended. Nothing was changed, and what you typed is lost. Sign in, and fill in the form again.
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
refusal-shortage = Not enough free seats. Nothing was changed.
refusal-order-stale = Somebody changed this booking meanwhile. You see it as it is now. Nothing was changed.
refusal-not-on-sale = This is not on sale now. Nothing was changed.
refusal-checkout-conflict = This form has already made a booking. Change that one, or send the form again for another booking.
refusal-more-than-captured = More than is left. No money goes back.
refusal-payment-disputed = A bank asks for this money, or has taken it already. Nothing was changed. Look at the dispute at the gateway.
refusal-order-not-in-review = No money waits for a decision any more. Nothing was changed.
refusal-nothing-to-accept = None of the money is in the order's currency. Give it back.
refusal-captured-changed = Other money has come meanwhile. You see the new sum. Nothing was changed.
refusal-order-unfillable = The goods are gone. Nothing was changed. Give the money back.
refusal-stock-stale = Nothing was changed. Look at the numbers above.
refusal-below-held = Nothing was changed: fewer units would be left than shoppers hold now.
refusal-movement-conflict = This form has already made another change. Open the page again.
refusal-more-than-on-hand = Nothing was changed: fewer units are on hand than are missing.
refusal-stock-full = Nothing was changed: a sku has at most 1,000,000,000 units.
refusal-subscriber-disabled = The subscriber answered 410 and gets nothing. Enable it first.
refusal-sale-not-open = The sale of this sku has not opened yet. Change its sale times instead.
refusal-import-closed = This file was applied before. Try another file.
refusal-checkout-ended = This cart has ended already. Nothing was changed.
refusal-checkout-paid = This cart is paid. Nothing was changed. Give the money back instead.
refusal-coupon-refused = This coupon can't be used now. Nothing was changed.
refusal-event-resolved = This event has had its effect already. Nothing was changed.
refusal-import-incomplete = A part of the file is missing. Nothing was applied. Try the file again.
refusal-import-too-large = Nothing was applied: all or nothing takes at most 10,000 rows. Split the file, or apply the good rows only.
refusal-limit-reached = The customer would have more than the shop allows. Nothing was changed.
refusal-more-than-sold = More than was sold. Nothing was put back.
refusal-nothing-captured = No gateway has taken money for this order. What was paid at the desk is given back at the desk.
refusal-order-ended = This booking has ended. Nothing was changed. Book again.
refusal-order-has-coupon = The discount was computed for these seats. Nothing was changed. Cancel the booking, and book again.
refusal-order-not-offline = The money came through a gateway. Nothing was changed. Give it back with a refund.
refusal-order-not-sold = This order sold nothing, so nothing comes back.
refusal-refund-conflict = This form has already made another refund. Open the page again.
refusal-refund-not-failed = This refund has not failed. There is nothing to send again.
refusal-return-conflict = This form has already put other goods back. Open the page again.
refusal-too-many-changes = This order was changed as often as an order can be. Nothing was changed. Cancel it, and book again.
refusal-too-many-checkouts = This customer has as many open carts as the shop allows. Nothing was changed.
refusal-too-many-refunds = An order has at most 100 refunds. No money goes back. Give the rest back at the gateway.
refusal-unknown-sku = The shop has no such sku. Nothing was changed.
refusal-party-too-long = Nothing was booked: party and note together have at most 61 characters.
