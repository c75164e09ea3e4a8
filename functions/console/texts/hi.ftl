## The layout
skip = सीधे पृष्ठ पर जाएँ
shop = दुकान:
sections = विभाग
sign-in = साइन इन करें
sign-out = साइन आउट करें
home = पहले पृष्ठ पर जाएँ
live-stale = ये संख्याएँ ताज़ा नहीं हैं। कनेक्शन फिर से जोड़ा जा रहा है।
print = छापें
as-of = { $time } की स्थिति
section-desk = बुकिंग डेस्क
signed-out-title = आप साइन आउट हो गए हैं
signed-out-detail = यह ब्राउज़र आपका सत्र भूल गया है। साझा कंप्यूटर पर लॉगिन सेवा का सत्र भी समाप्त करें।
signed-out-provider = लॉगिन सेवा का सत्र समाप्त करें

## Times: $weekday is 1 for Monday, $month is 1 for January
show-day = { $weekday ->
        [1] सोम
        [2] मंगल
        [3] बुध
        [4] गुरु
        [5] शुक्र
        [6] शनि
       *[7] रवि
    } { $day } { $month ->
        [1] जन॰
        [2] फ़र॰
        [3] मार्च
        [4] अप्रैल
        [5] मई
        [6] जून
        [7] जुल॰
        [8] अग॰
        [9] सित॰
        [10] अक्टू॰
        [11] नव॰
       *[12] दिस॰
    } { $year }

## Desk
desk-title = प्रस्थान
desk-departure = प्रस्थान
desk-free = खाली सीटें
desk-taken = रोकी गई
desk-price = मूल्य
desk-none = अभी कोई प्रस्थान नहीं है। स्टॉक क्लर्क उन्हें जोड़ता है।
desk-seats = { $sold } बिकी, { $free } खाली।
desk-nobody = अभी किसी की सीट नहीं है।
desk-party = यात्री दल
desk-seat-count = सीटें
desk-booked-at = बुकिंग का समय
desk-book-title = यात्री दल की बुकिंग
desk-book = बुक करें

## Refusals
title-signed-out = आप साइन आउट हो गए हैं
refusal-signed-out = आपका सत्र समाप्त हो गया है। कुछ भी नहीं बदला। साइन इन करके फ़ॉर्म फिर से भेजें।
title-sign-in-failed = आप साइन इन नहीं हैं
refusal-sign-in-failed = साइन इन रद्द हुआ, बहुत समय लगा, या लॉगिन सेवा ने मना किया। फिर से कोशिश करें।
title-form-stale = यह पृष्ठ पिछले सत्र का है
refusal-form-stale = यह फ़ॉर्म इस सत्र में नहीं बना था। कुछ भी नहीं बदला। पृष्ठ फिर से खोलें और वहाँ से फ़ॉर्म भेजें।
title-role-missing = आपकी भूमिका यह पृष्ठ नहीं खोलती
refusal-role-missing = दुकान के मालिक से दूसरी भूमिका माँगें।
title-nothing-to-open = आपकी कोई भूमिका या दुकान नहीं है
refusal-nothing-to-open = आप साइन इन हैं, पर यहाँ आपके खाते की कोई भूमिका या दुकान नहीं है। मालिक से पूछें।
title-not-found = नहीं मिला
refusal-not-found = ऐसा कुछ नहीं है, या आप उसे नहीं देख सकते।
title-unavailable = कृपया फिर से कोशिश करें
refusal-unavailable = सिस्टम निर्णय नहीं ले सका। फ़ॉर्म फिर से भेजें: उसका असर एक ही बार होता है।
title-internal = कुछ गड़बड़ हुई
refusal-internal = हमारी ओर कुछ गड़बड़ हुई। कारण लॉग में है।
title-invalid-request = फ़ॉर्म में गलती है
