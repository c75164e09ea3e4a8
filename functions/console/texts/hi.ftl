## The layout
skip = सीधे पृष्ठ पर जाएँ
shop = दुकान:
sections = विभाग
sign-in = साइन इन करें
sign-out = साइन आउट करें
home = पहले पृष्ठ पर जाएँ
live-signed-out = आप साइन आउट हो गए हैं। ये संख्याएँ ताज़ा नहीं हैं।
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
status-recorded = दर्ज
status-no-effect = कोई असर नहीं
status-excess = दो बार भुगतान, लौटाना है
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
desk-other-day = किसी और दिन के प्रस्थान
desk-other-day-hint = ऊपर की सूची में वे दिखेंगे
desk-free = खाली
desk-free-count = { $free ->
    [one] { $free } सीट खाली
   *[other] { $free } सीटें खाली
  }
desk-full = भरा हुआ
desk-closed = बंद
desk-left = जा चुका
desk-each = एक सीट { $price }
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
desk-only-free = { $free ->
    [0] इस प्रस्थान में कोई सीट नहीं बची।
   *[other] इस प्रस्थान में केवल { $free } बची हैं।
  }
desk-instead = दूसरा प्रस्थान सुझाएँ
desk-no-neighbour = किसी और प्रस्थान में इतनी सीटें खाली नहीं हैं।
desk-book-here = इसमें बुक करें
desk-manifest = यात्री सूची
desk-goes-on = यात्री सूची आगे भी है: और यात्री बाक़ी हैं।
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
desk-change-short = इतनी सीटें खाली नहीं हैं। कुछ नहीं बदला।
desk-done-change = बुकिंग बदल गई।
desk-done-cancel = बुकिंग रद्द हुई। उसकी सीटें खाली हैं।
desk-was = { $seats ->
    [one] { $seats } सीट थी:
   *[other] { $seats } सीटें थीं:
  }
desk-was-hint = फिर से बुक करने के लिए प्रस्थान खोलें।
desk-cancel = बुकिंग रद्द करें…
desk-cancel-means = बुकिंग की सभी सीटें तुरंत खाली हो जाएँगी। डेस्क पर दिया गया पैसा डेस्क पर ही लौटाया जाता है।
desk-cancel-now = बुकिंग रद्द करें

## Support
section-support = सहायता
support-title = ख़रीद खोजें
support-search = खोज
support-search-hint = कोई आईडी, भुगतान संदर्भ, गेटवे की आईडी, फ़ोन नंबर, या नाम के पहले तीन अक्षर
support-find = खोजें
support-customer = ग्राहक
support-status = स्थिति
support-reference = भुगतान संदर्भ
support-began = शुरुआत
support-cut = और भी हैं। अधिक सटीक खोज करें।
support-nothing = इससे कुछ नहीं मिला। अंक जाँचें, या फ़ोन नंबर या नाम की शुरुआत से खोजें।
support-unmatched = बिना ऑर्डर का पैसा
support-unmatched-means = गेटवे ने इस पैसे की सूचना दी, पर यहाँ किसी ऑर्डर का यह संदर्भ नहीं है।
support-parked = अपने ऑर्डर की प्रतीक्षा में
support-redrive = फिर से कोशिश करें
support-redrive-means = सहेजा गया संदेश फिर आज़माया जाएगा। यदि उसका ऑर्डर अब मिल जाए, तो पैसा उसे पूरा करेगा या लौटाया जाएगा। नहीं तो वह प्रतीक्षा करेगा।
support-dismiss = अलग रखें
support-dismiss-means = यह पैसा इस दुकान का नहीं है। संदेश आपके नाम के साथ प्रमाण के रूप में रहेगा और उसका कभी असर नहीं होगा।
support-timeline = क्या हुआ
support-facts = तथ्य
support-checkout = चेकआउट
support-total = कुल
support-refund = पैसे लौटाएँ…
support-refund-means = अधिकतम { $amount } लौट सकते हैं। गेटवे उन्हें ग्राहक को भेजता है, जो कुछ दिनों में पहुँचते हैं। सामान बिका हुआ ही रहेगा।
support-refund-now = पैसे लौटाएँ
support-accept = जितना पैसा आया, उतना ही मानें…
support-accept-means = { $amount } आए, और ऑर्डर { $total } का है। मान लेने पर ऑर्डर चुकाया हुआ है और उसकी इकाइयाँ बिक जाती हैं। सामान न बचा हो, तो पैसा लौटाएँ।
support-accept-now = पैसा मानें
support-amount = राशि
support-note = कारण
support-retry = रिफ़ंड फिर से भेजें
support-retry-means = गेटवे को रिफ़ंड फिर से भेजा जाएगा। यदि उसने पहले वाले को हमेशा के लिए विफल कहा, तो नया उसकी जगह लेगा। ग्राहक को पैसा एक ही बार मिलेगा।
support-revoke = यह चेकआउट समाप्त करें…
support-revoke-means = इसकी इकाइयाँ तुरंत दूसरों के लिए खाली होंगी और बिना भुगतान का ऑर्डर रद्द होगा। ग्राहक को बताना ज़रूरी है। जो पैसा बाद में आए वह लौटाया जाएगा।
support-revoke-now = चेकआउट समाप्त करें
support-done-refund = पैसा लौटाना तय हुआ। अगला दौर उसे गेटवे को भेजेगा।
support-done-retry = रिफ़ंड फिर से जारी है।
support-done-accept = पैसा मान लिया गया। ऑर्डर चुकाया गया।
support-done-revoke = चेकआउट समाप्त हुआ। उसकी इकाइयाँ खाली हैं।
support-done-redrive = संदेश अब प्रतीक्षा में नहीं है: उसका असर हो चुका है।
support-done-redrive-parked = फिर आज़माया गया, और वह प्रतीक्षा में है: यहाँ किसी ऑर्डर का यह संदर्भ नहीं है।
support-done-redrive-waits = उसके ऑर्डर पर कुछ और चल रहा है। एक मिनट में फिर प्रयास होगा।
support-done-dismiss = संदेश अलग रखा गया।

## What happened to a checkout
event-checkout-begun = ग्राहक ने चेकआउट शुरू किया: इकाइयाँ रोकी गईं
event-cart-replaced = कार्ट बदला: नई इकाइयाँ रोकी गईं
event-held-again = इकाइयाँ फिर से रोकी गईं
event-hold-expired = समय समाप्त: इकाइयाँ फिर खाली हुईं
event-checkout-released = ग्राहक ने चेकआउट छोड़ दिया
event-checkout-revoked = स्टाफ़ ने चेकआउट समाप्त किया
event-order-made = ग्राहक ने ऑर्डर किया, और उसे भुगतान के लिए भेजा गया
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
event-announced = दूसरे सिस्टम के लिए सूचना
reason-late = भुगतान देर से आया
reason-excess = ऑर्डर की क़ीमत से ज़्यादा चुकाया गया
reason-review = स्टाफ़ ने पैसा लौटाया
reason-requested = स्टाफ़ ने माँगा
reason-gateway = गेटवे पर लौटाया गया

## Words of several pages
older = पुराने

## Stock room
section-stock = स्टॉक कक्ष
stock-title = स्टॉक कक्ष
stock-ledger = बही
stock-find = sku खोजें
stock-find-hint = नाम या कोड के शब्दों की शुरुआत लिखें: "leh red"
stock-find-do = खोजें
stock-none = इस दुकान में अभी कोई sku नहीं है। फ़ाइल आयात करें।
stock-not-found = "{ $q }" से कुछ शुरू नहीं होता।
stock-cut = और भी हैं। बाकी खोजने के लिए और शब्द लिखें।
stock-sku = Sku
stock-code = sku का कोड
stock-on-hand = मौजूद
stock-held = रोके हुए
stock-available = उपलब्ध
stock-price = मूल्य
stock-retired = बिक्री बंद
stock-ended-by = { $actor } ने बिक्री समाप्त की
stock-done = हो गया। बदलाव नीचे की बही में है।
stock-note = कारण
stock-reference = संदर्भ
stock-receive = माल आया
stock-receive-hint = जितनी इकाइयाँ आईं।
stock-receive-number = इकाइयाँ
stock-receive-do = दर्ज करें
stock-count = गिनती
stock-count-hint = शेल्फ़ पर जितनी हैं। बही में अंतर लिखा जाता है।
stock-count-number = गिनी हुई इकाइयाँ
stock-count-do = यह गिनती रखें
stock-adjust = सुधार
stock-adjust-hint = अंतर, जैसे 3 या -2। रोकी हुई इकाइयाँ हमेशा रहती हैं।
stock-adjust-number = अंतर
stock-adjust-do = सुधारें
stock-shrink = गायब
stock-shrink-hint = जो इकाइयाँ नहीं मिल रहीं, भले ही ग्राहकों ने रोकी हों। बदलने से पहले दिखता है कि किसका माल छूटेगा।
stock-shrink-number = गायब इकाइयाँ
stock-shrink-do = असर देखें
stock-stale = आपके पृष्ठ खोलने के बाद किसी ने यह स्टॉक बदला है। आपका कुछ नहीं बदला गया।
stock-stale-numbers = आपने { $seen } देखा था। अब { $now } मौजूद हैं।
stock-stale-again = आपका लिखा हुआ फ़ॉर्म में है। अब भी सही हो तो फिर भेजें।
shrink-sure = अभी कुछ नहीं बदला है। यह होगा:
shrink-numbers = { $on-hand } इकाइयाँ मौजूद रहेंगी, जिनमें { $held } रोकी हुई।
shrink-nobody = किसी का माल नहीं छूटेगा।
shrink-who = इन ग्राहकों का माल छूट जाएगा। हर एक को सूचना जाती है:
shrink-order = ऑर्डर रद्द
shrink-now = इकाइयाँ निकालें
shrink-not = कुछ न बदलें
ledger-show = दिखाएँ
ledger-at = कब
ledger-why = कारण
ledger-delta = बदलाव
ledger-after = बाद में मौजूद
ledger-actor = किसने
ledger-none = यहाँ कुछ नहीं है।
ledger-received = माल आया
ledger-adjusted = सुधारा
ledger-sold = बिका
ledger-returned = वापस आया
ledger-missing = गायब
import-title = फ़ाइल आयात करें
import-file = फ़ाइल
import-file-hint = स्प्रेडशीट की CSV, या JSON पंक्तियाँ; 50,000 पंक्तियों और 4 MB तक
import-columns = पंक्ति पहचानने के लिए स्तंभ sku काफ़ी है। जो पंक्ति में नहीं है, वह वैसा ही रहता है। हर पंक्ति देखने से पहले कुछ नहीं बदलता।
import-all-columns = सभी स्तंभ
import-example = पहली पंक्ति में स्तंभों के नाम होते हैं:
column-sku = कोड। केवल यह ज़रूरी है।
column-title = नाम, जो ग्राहक देखते हैं। नए sku के लिए ज़रूरी।
column-attributes = दुकान के अपने तथ्य, JSON में
column-price-minor = सबसे छोटे सिक्के में दाम: ₹2,499.00 है 249900। नए sku के लिए ज़रूरी।
column-currency = केवल दुकान की मुद्रा, जैसे INR
column-sale-opens-at = बिक्री कब खुलती है: 2026-12-24T10:00:00+05:30
column-sale-closes-at = बिक्री कब बंद होती है, इसी रूप में
column-departs-at = प्रस्थान कब होता है, इसी रूप में
column-low-stock-threshold = इतनी खाली इकाइयाँ बचने पर कम बताया जाता है
column-limit-per-customer = एक ग्राहक के लिए इतनी इकाइयाँ
column-retired = true: हमेशा के लिए बिक्री बंद
column-on-hand = गिनी हुई इकाइयाँ। वे पुरानी संख्या की जगह लेती हैं।
column-expected-version = इस संस्करण के बाद स्टॉक बदला हो, तो पंक्ति अस्वीकार होती है
import-try = परखें, कुछ न बदलें
import-no-id = फ़ॉर्म अधूरा है। पृष्ठ फिर खोलें।
import-empty = फ़ाइल में कोई पंक्ति नहीं है।
import-status-open = पंक्तियाँ आ गई हैं।
import-status-trying = पंक्तियाँ परखी जा रही हैं।
import-status-tried = हर पंक्ति परखी गई। अभी कुछ नहीं बदला है।
import-status-applying = पंक्तियाँ लागू हो रही हैं।
import-status-done = आयात पूरा हुआ।
import-status-rejected = एक पंक्ति अस्वीकार हुई। कुछ नहीं बदला।
import-done-of = { $rows } में से { $done } पंक्तियाँ
import-created = { $number } नई
import-changed = { $number } बदली
import-unchanged = { $number } वैसी ही
import-refused = { $number } अस्वीकृत
import-go-on = आगे बढ़ें
import-nothing-yet = अभी कुछ नहीं बदला है।
import-without = { $number ->
    [one] { $number } अस्वीकृत पंक्ति छोड़ी जाएगी।
   *[other] { $number } अस्वीकृत पंक्तियाँ छोड़ी जाएँगी।
  }
import-apply = लागू करें: { $created } नई, { $changed } बदली
import-other = दूसरी फ़ाइल
import-all = सभी पंक्तियाँ
import-only-changed = बदली
import-only-created = नई
import-only-refused = अस्वीकृत
import-line = पंक्ति
import-outcome = परिणाम
import-changes = पहले → बाद में
import-no-row = कोई पंक्ति नहीं।
import-row-created = नई
import-row-changed = बदली
import-row-unchanged = वैसी ही
import-row-refused = अस्वीकृत
import-row-waiting = अभी परखी नहीं
import-nothing = कुछ नहीं
field-title = नाम
field-price-minor = दाम
field-on-hand = मौजूद
field-low-stock-threshold = कम, जब इतने बचें
field-limit-per-customer = एक ग्राहक की सीमा
field-sale-opens-at = बिक्री खुलती है
field-sale-closes-at = बिक्री बंद होती है
field-departs-at = प्रस्थान
field-retired = बिक्री बंद
field-attributes = गुण

## Sale
section-sale = बिक्री
sale-title = बिक्री
sale-sold = बिके
sale-held = रोके हुए
sale-left = बचे
sale-promises = वादे
sale-promises-kept = सब निभाए गए
sale-promises-late = पिछली जाँच पुरानी है
sale-promises-unchecked = अभी जाँच नहीं हुई
sale-promises-broken = { $number } टूटे
sale-checked = { $time } बजे जाँचा गया
sale-chart = पिछला आधा घंटा, मिनट दर मिनट
sale-grants = जिन कार्ट को माल मिला
sale-units = बिकी इकाइयाँ
sale-payments = भुगतान
sale-late = उनमें देर से
sale-complete-from = { $time } से पहले की संख्याएँ कम से कम इतनी हैं: सब गिनने के लिए बहुत अधिक थीं।
sale-minutes = चार्ट, तालिका के रूप में
sale-minute = मिनट
sale-refusals = अस्वीकृत कार्ट कुछ नहीं लिखता, इसलिए अस्वीकृतियाँ यहाँ नहीं हैं। फ़ंक्शन checkout का मीट्रिक HoldsRefused उन्हें गिनता है।
sale-quiet = हाल में कुछ नहीं बिका, और कुछ रोका हुआ नहीं है।
sale-skus = जो sku अभी बिक रहे हैं
sale-sku = Sku
sale-do = क्रियाएँ
sale-ended = समाप्त
sale-add = माल जोड़ें
sale-end = बिक्री समाप्त करें
sale-ending = जल्द समाप्त होने वाली रोक
sale-ending-none = किसी ने कुछ नहीं रोका है।
sale-hold-units = { $units ->
        [one] { $units } इकाई
       *[other] { $units } इकाइयाँ
    }
sale-hold-ordered = भुगतान की प्रतीक्षा
sale-end-title = बिक्री समाप्त करें?
sale-end-consequence = अब कोई इसे कार्ट में नहीं रख सकेगा। रोकी हुई { $held } इकाइयाँ भुगतान या समय समाप्त होने तक रुकी रहेंगी। { $left } उपलब्ध इकाइयाँ स्टॉक में रहेंगी।
sale-end-now = अभी बिक्री समाप्त करें
sale-end-not = बेचते रहें

## Health
section-health = स्थिति
health-title = स्थिति
health-well = इस दुकान में अभी कुछ करने को नहीं है।
health-what = क्या
health-measure = अभी
health-state = दशा
health-runbook = कार्य-पुस्तिका
health-rings = ध्यान चाहिए
health-fine = ठीक
health-unknown = अभी पता नहीं
health-seconds = { $number } सेकंड
health-minutes = { $number } मिनट
health-hours = { $number } घंटे
health-days = { $number } दिन
health-fault-broken = टूटे वादे
health-fault-check = वादों की पिछली जाँच से
health-fault-parked = बिना ऑर्डर के भुगतान
health-fault-refunds-failed = विफल रिफ़ंड
health-fault-refunds-owed = सबसे पुराना रिफ़ंड जो भेजा नहीं गया
health-fault-refunds-pending = सबसे पुराना रिफ़ंड जो गेटवे ने पूरा नहीं किया
health-fault-due = सबसे पुरानी रोक जिसका समय बीत गया
health-fault-outbox = सबसे पुरानी सूचना जो भेजी नहीं गई
health-fault-disabled = जो प्राप्तकर्ता सब अस्वीकार करते हैं
health-fault-deliveries = सबसे पुरानी सूचना जिसकी प्राप्तकर्ता प्रतीक्षा कर रहा है
health-fault-given-up = आज छोड़ी गई सूचनाएँ
health-fault-queue = कतार में वेबहुक
health-queue = कतार की आयु केवल AWS जानता है। उसका अलार्म बताता है।
health-broken-rows = वादा तोड़ने वाली पंक्तियाँ
health-parked = बिना ऑर्डर के भुगतान
health-refunds = विफल रिफ़ंड
health-since = कब से
health-gateway = गेटवे
health-parked-more = घटना और संदर्भ
health-amount = राशि
health-act = सहायता में खोलें
health-refunds-more = त्रुटि
health-subscribers = प्राप्तकर्ता
health-subscriber = प्राप्तकर्ता
health-waiting = प्रतीक्षा में
health-given-up = छोड़ी गई
health-disabled = बंद
health-enabled = चालू
health-no-subscriber = इस दुकान का कोई प्राप्तकर्ता नहीं है।
log-test = परीक्षण संदेश भेजें
log-disabled = इस प्राप्तकर्ता ने { $time } को 410 (अब मौजूद नहीं) उत्तर दिया। इसे कुछ नहीं मिलता।
log-enable = चालू करें
log-enable-means = जब इसका पता फिर उत्तर दे, तब चालू करें। इसे तब से घोषित सूचनाएँ मिलेंगी। बंद रहने के दौरान घोषित सूचनाएँ नहीं भेजी जाएँगी। जो पहले छोड़ी गईं, वे नीचे से फिर भेजी जा सकती हैं।
log-when = जो प्रतीक्षा में है, वह एक मिनट में भेजा जाता है। पूरी हुई सूचनाएँ 30 दिन रखी जाती हैं।
log-none = अभी कुछ नहीं भेजा गया।
log-at = घोषित
log-type = प्रकार
log-answer = उत्तर
log-tries = प्रयास
log-delivered = पहुँचा
log-waiting = प्रतीक्षा में
log-failed = विफल, फिर प्रयास होगा
log-given-up = छोड़ा गया
log-next-try = अगला प्रयास { $time } बजे
log-resent-by = { $actor } ने फिर भेजा
log-resend = फिर भेजें
log-resend-one = फिर भेजें: { $type }

## Fields of forms, in refusals
input-party = यात्री दल
input-seats = सीटें
input-note = टिप्पणी
input-reference = संदर्भ
input-quantity = इकाइयाँ
input-on-hand = गिनी हुई इकाइयाँ
input-delta = अंतर
input-missing = गायब इकाइयाँ
input-amount = राशि
input-q = खोज
input-sku = sku

## Refusals
title-signed-out = आप साइन आउट हो गए हैं
refusal-signed-out = आपका सत्र समाप्त हो गया है। कुछ भी नहीं बदला, और आपने जो लिखा था वह सहेजा नहीं गया। साइन इन करके फ़ॉर्म फिर से भरें।
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
refusal-shortage = इतनी सीटें खाली नहीं हैं। कुछ नहीं बदला।
refusal-order-stale = इस बीच किसी ने यह बुकिंग बदल दी। अब आप उसे नई स्थिति में देख रहे हैं। कुछ भी नहीं बदला।
refusal-not-on-sale = यह अभी बिक्री में नहीं है। कुछ नहीं बदला।
refusal-checkout-conflict = इस फ़ॉर्म से एक बुकिंग हो चुकी है। उसे बदलें, या दूसरी बुकिंग के लिए फ़ॉर्म फिर भेजें।
refusal-more-than-captured = जितना बचा है उससे ज़्यादा। कोई पैसा नहीं लौटेगा।
refusal-payment-disputed = बैंक यह पैसा माँग रहा है या ले चुका है। कुछ भी नहीं बदला। गेटवे पर विवाद देखें।
refusal-order-not-in-review = अब कोई पैसा निर्णय की प्रतीक्षा में नहीं है। कुछ नहीं बदला।
refusal-nothing-to-accept = इस पैसे में से कुछ भी ऑर्डर की मुद्रा में नहीं है। उसे लौटाएँ।
refusal-captured-changed = इस बीच और पैसा आया। आप नई राशि देख रहे हैं। कुछ नहीं बदला।
refusal-order-unfillable = सामान नहीं बचा। कुछ नहीं बदला। पैसा लौटाएँ।
refusal-stock-stale = कुछ नहीं बदला गया। ऊपर की संख्याएँ देखें।
refusal-below-held = कुछ नहीं बदला गया: ग्राहकों ने जितना रोका है, उससे कम बचता।
refusal-movement-conflict = यह फ़ॉर्म पहले ही दूसरा बदलाव कर चुका है। पृष्ठ फिर खोलें।
refusal-more-than-on-hand = कुछ नहीं बदला गया: जितनी गायब हैं, उससे कम मौजूद हैं।
refusal-stock-full = कुछ नहीं बदला गया: एक sku में अधिकतम 1,000,000,000 इकाइयाँ होती हैं।
refusal-subscriber-disabled = प्राप्तकर्ता ने 410 उत्तर दिया और उसे कुछ नहीं मिलता। पहले उसे चालू करें।
refusal-sale-not-open = इस sku की बिक्री अभी खुली नहीं है। उसका समय बदलें।
refusal-import-closed = यह फ़ाइल पहले लागू हो चुकी है। दूसरी फ़ाइल परखें।
refusal-checkout-ended = यह कार्ट पहले ही समाप्त हो चुका है। कुछ नहीं बदला।
refusal-checkout-paid = इस कार्ट का भुगतान हो चुका है। कुछ नहीं बदला। इसके बजाय पैसा लौटाएँ।
refusal-coupon-refused = यह कूपन अभी काम नहीं करता। कुछ नहीं बदला।
refusal-event-resolved = इस घटना का असर हो चुका है। कुछ नहीं बदला।
refusal-import-incomplete = फ़ाइल का एक हिस्सा नहीं मिला। कुछ भी लागू नहीं हुआ। फ़ाइल फिर परखें।
refusal-import-too-large = कुछ भी लागू नहीं हुआ: एक साथ अधिकतम 10,000 पंक्तियाँ लागू होती हैं। फ़ाइल बाँटें, या केवल सही पंक्तियाँ लागू करें।
refusal-limit-reached = ग्राहक के पास दुकान की सीमा से ज़्यादा हो जाता। कुछ नहीं बदला।
refusal-more-than-sold = जितना बिका, उससे ज़्यादा। कुछ भी वापस नहीं रखा गया।
refusal-nothing-captured = किसी गेटवे ने इस ऑर्डर का पैसा नहीं लिया। जो डेस्क पर चुकाया गया, वह डेस्क पर लौटाया जाता है।
refusal-order-ended = यह बुकिंग समाप्त हो चुकी है। कुछ नहीं बदला। फिर से बुक करें।
refusal-order-has-coupon = छूट इन्हीं सीटों के लिए गिनी गई थी। कुछ नहीं बदला। बुकिंग रद्द करें और फिर से बुक करें।
refusal-order-not-offline = पैसा गेटवे से आया था। कुछ नहीं बदला। उसे रिफ़ंड से लौटाएँ।
refusal-order-not-sold = इस ऑर्डर में कुछ नहीं बिका, इसलिए कुछ वापस नहीं आता।
refusal-refund-conflict = यह फ़ॉर्म पहले ही दूसरा रिफ़ंड कर चुका है। पृष्ठ फिर खोलें।
refusal-refund-not-failed = यह रिफ़ंड विफल नहीं हुआ। फिर भेजने को कुछ नहीं है।
refusal-return-conflict = यह फ़ॉर्म पहले ही दूसरा सामान वापस रख चुका है। पृष्ठ फिर खोलें।
refusal-too-many-changes = यह ऑर्डर जितनी बार बदल सकता है, बदल चुका है। कुछ नहीं बदला। उसे रद्द करें और फिर से बुक करें।
refusal-too-many-checkouts = इस ग्राहक के उतने कार्ट खुले हैं जितने की दुकान अनुमति देती है। कुछ नहीं बदला।
refusal-too-many-refunds = एक ऑर्डर में अधिकतम 100 रिफ़ंड होते हैं। पैसा नहीं लौटेगा। बाक़ी गेटवे पर लौटाएँ।
refusal-unknown-sku = दुकान में ऐसा कोई sku नहीं है। कुछ नहीं बदला।
refusal-party-too-long = कुछ भी बुक नहीं हुआ: यात्री दल और टिप्पणी मिलाकर अधिकतम 61 अक्षर हो सकते हैं।
