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

## Words of several pages
today = आज
day = दिन
day-before = ← पिछला दिन
day-after = अगला दिन →
show = दिखाएँ
more = और
optional = वैकल्पिक
by = { $actor } द्वारा
status-open = स्टॉक रोका हुआ
status-awaiting-payment = भुगतान की प्रतीक्षा
status-paid = भुगतान हुआ
status-review = निर्णय चाहिए
status-refund-due = पैसे लौटाने हैं
status-refunded = पैसे लौट गए
status-expired = समय समाप्त
status-cancelled = रद्द
status-released = छोड़ दिया
status-revoked = स्टाफ़ ने समाप्त किया
status-ordered = ऑर्डर हुआ
status-held = रोका हुआ
status-completed = ऑर्डर पूरा हुआ
status-completed-late = देर से आया, ऑर्डर पूरा हुआ
status-duplicate = दोहराव
status-ignored = कोई असर नहीं
status-parked = अपने ऑर्डर की प्रतीक्षा में
status-dismissed = अलग रखा गया
status-sent = भेजा गया
status-waiting = भेजे जाने की प्रतीक्षा
status-failed = विफल
status-pending = जारी है
status-owed = देना बाकी
status-settled = पूरा हुआ
status-counts = ऑर्डर में गिना गया
status-does-not-count = ऑर्डर में नहीं गिना गया

## Desk
desk-title = प्रस्थान
desk-departure = प्रस्थान
desk-free = खाली
desk-free-count = { $free ->
    [one] { $free } सीट खाली
   *[other] { $free } सीटें खाली
  }
desk-full = भरा हुआ
desk-closed = बंद
desk-sold-held = { $sold } बिकी, { $held } रोकी गई
desk-none = इस दिन कोई प्रस्थान नहीं है।
desk-cut = इस पृष्ठ पर जितने दिखते हैं, उससे ज़्यादा प्रस्थान हैं।
desk-seats = { $sold } बिकी, { $free } खाली।
desk-nobody = अभी किसी की सीट नहीं है।
desk-party = यात्री दल
desk-party-hint = नाम और फ़ोन नंबर
desk-seat-count = सीटें
desk-note = टिप्पणी
desk-booked-at = बुकिंग का समय
desk-book-title = यात्री दल की बुकिंग
desk-book = बुक करें
desk-booked = बुकिंग हो गई। सीटें बिक गईं।
desk-open-booking = बुकिंग खोलें
desk-only-free = इस प्रस्थान में केवल { $free } बची हैं।
desk-instead = दूसरा प्रस्थान सुझाएँ
desk-no-neighbour = किसी और प्रस्थान में इतनी सीटें खाली नहीं हैं।
desk-book-here = इसमें बुक करें
desk-manifest = यात्री सूची
desk-held = रोकी गई
desk-sold-mark = बिकी
desk-cancelled = रद्द
desk-seats-now = { $seats ->
    [one] { $seats } सीट
   *[other] { $seats } सीटें
  }
desk-stay = यही प्रस्थान
desk-change = बुकिंग बदलें
desk-change-hint = ज़्यादा सीटें, कम सीटें या दूसरा प्रस्थान। सब या कुछ नहीं।
desk-cancel = बुकिंग रद्द करें…
desk-cancel-means = बुकिंग की सभी सीटें तुरंत खाली हो जाएँगी। डेस्क पर दिया गया पैसा डेस्क पर ही लौटाया जाता है।
desk-cancel-now = बुकिंग रद्द करें

## Support
section-support = सहायता
support-title = ख़रीद खोजें
support-search = खोज
support-search-hint = कोई आईडी, भुगतान संदर्भ, गेटवे की आईडी, फ़ोन नंबर या नाम
support-find = खोजें
support-customer = ग्राहक
support-status = स्थिति
support-reference = भुगतान संदर्भ
support-began = शुरुआत
support-cut = और भी हैं। अधिक सटीक खोज करें।
support-nothing = इससे कुछ नहीं मिला। अंक जाँचें, या फ़ोन नंबर या नाम से खोजें।
support-unmatched = बिना ऑर्डर का पैसा
support-unmatched-means = गेटवे ने इस पैसे की सूचना दी, पर यहाँ किसी ऑर्डर का यह संदर्भ नहीं है।
support-parked = अपने ऑर्डर की प्रतीक्षा में
support-redrive = फिर से कोशिश करें
support-redrive-means = सहेजा गया संदेश फिर से पढ़ा जाएगा। यदि उसका ऑर्डर अब मिल जाए, तो पैसा उसे पूरा करेगा या लौटाया जाएगा। नहीं तो वह प्रतीक्षा करेगा।
support-dismiss = अलग रखें
support-dismiss-means = यह पैसा इस दुकान का नहीं है। संदेश आपके नाम के साथ प्रमाण के रूप में रहेगा और उसका कभी असर नहीं होगा।
support-timeline = क्या हुआ
support-facts = तथ्य
support-checkout = चेकआउट
support-total = कुल
support-refund = पैसे लौटाएँ…
support-refund-means = अधिकतम { $amount } लौट सकते हैं। गेटवे उन्हें ग्राहक को भेजता है, जो कुछ दिनों में पहुँचते हैं। सामान बिका हुआ ही रहेगा।
support-refund-now = पैसे लौटाएँ
support-amount = राशि
support-note = कारण
support-retry = रिफ़ंड फिर से भेजें
support-retry-means = गेटवे को रिफ़ंड फिर से भेजा जाएगा। यदि उसने पहले वाले को हमेशा के लिए विफल कहा, तो नया उसकी जगह लेगा। ग्राहक को पैसा एक ही बार मिलेगा।
support-revoke = यह चेकआउट समाप्त करें…
support-revoke-means = इसकी इकाइयाँ तुरंत दूसरों के लिए खाली होंगी और बिना भुगतान का ऑर्डर रद्द होगा। ग्राहक को बताना ज़रूरी है। जो पैसा बाद में आए वह लौटाया जाएगा।
support-revoke-now = चेकआउट समाप्त करें
support-done-refund = पैसा लौटाना तय हुआ। अगला दौर उसे गेटवे को भेजेगा।
support-done-retry = रिफ़ंड फिर से जारी है।
support-done-revoke = चेकआउट समाप्त हुआ। उसकी इकाइयाँ खाली हैं।
support-done-redrive = संदेश फिर से पढ़ा गया।
support-done-dismiss = संदेश अलग रखा गया।

## What happened to a checkout
event-checkout-begun = ग्राहक ने चेकआउट शुरू किया: इकाइयाँ रोकी गईं
event-cart-replaced = कार्ट बदला: नई इकाइयाँ रोकी गईं
event-held-again = इकाइयाँ फिर से रोकी गईं
event-hold-expired = समय समाप्त: इकाइयाँ फिर खाली हुईं
event-checkout-released = ग्राहक ने चेकआउट छोड़ दिया
event-checkout-revoked = स्टाफ़ ने चेकआउट समाप्त किया
event-order-made = ग्राहक ने ऑर्डर किया और भुगतान के लिए भेजा गया
event-order-booked = डेस्क ने बुक किया: तुरंत बिका
event-order-paid = ऑर्डर का भुगतान हुआ और इकाइयाँ बिक गईं
event-money-accepted = स्टाफ़ ने आया हुआ पैसा स्वीकार किया
event-gateway-reported-paid = गेटवे ने भुगतान की सूचना दी
event-gateway-reported-failed = गेटवे ने विफल भुगतान की सूचना दी
event-gateway-reported-dropped = गेटवे ने बताया कि ग्राहक ने भुगतान छोड़ दिया
event-gateway-reported-pending = गेटवे ने बताया कि भुगतान जारी है
event-gateway-reported-refund-pending = गेटवे ने बताया कि रिफ़ंड जारी है
event-gateway-reported-refund-settled = गेटवे ने बताया कि पैसा लौट गया
event-gateway-reported-refund-failed = गेटवे ने बताया कि रिफ़ंड विफल हुआ
event-gateway-reported-disputed = गेटवे ने बताया कि बैंक पैसा माँग रहा है
event-gateway-reported-dispute-won = गेटवे ने बताया कि पैसा दुकान के पास रहेगा
event-gateway-reported-dispute-lost = गेटवे ने बताया कि बैंक ने पैसा ले लिया
event-gateway-reported-dispute-closed = गेटवे ने विवाद समाप्त होने की सूचना दी
event-gateway-reported-other = गेटवे ने बिना असर की सूचना दी
event-money-captured = गेटवे ने पैसा लिया
event-refund-owed = पैसा लौटाना है
event-refund-settled = पैसा लौट गया
event-refund-failed = पैसा लौटाना विफल हुआ
event-dispute-opened = बैंक पैसा माँग रहा है
event-dispute-won = विवाद समाप्त: पैसा दुकान के पास रहा
event-dispute-lost = विवाद समाप्त: बैंक ने पैसा ले लिया
event-dispute-closed = विवाद समाप्त हुआ
event-stock-received = स्टॉक आया
event-stock-adjusted = स्टॉक ठीक किया गया
event-stock-sold = इकाइयाँ स्टॉक से निकलीं
event-stock-returned = इकाइयाँ लौट आईं
event-stock-missing = इकाइयाँ कम मिलीं
event-announced = दूसरे सिस्टम को बताया गया

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
refusal-shortage = इतनी सीटें खाली नहीं हैं। कुछ भी बुक नहीं हुआ।
refusal-order-stale = इस बीच किसी ने यह बुकिंग बदल दी। अब आप उसे नई स्थिति में देख रहे हैं। कुछ भी नहीं बदला।
refusal-not-on-sale = यह अभी बिक्री में नहीं है। कुछ भी बुक नहीं हुआ।
refusal-checkout-conflict = इस फ़ॉर्म की संख्या किसी दूसरी बुकिंग की है। पृष्ठ फिर से खोलकर बुक करें।
refusal-more-than-captured = जितना बचा है उससे ज़्यादा। कोई पैसा नहीं लौटेगा।
refusal-payment-disputed = बैंक यह पैसा माँग रहा है या ले चुका है। कुछ भी नहीं बदला। गेटवे पर विवाद देखें।
