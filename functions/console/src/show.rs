//! Money and times as people read them: in the shop's currency and zone.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use operations::money;
use operations::utc::Utc;
use rusty_money::{Money, iso};

use crate::texts::{Language, Value};

/// An amount with its currency's sign, digits and groups: `₹84,999.00`.
pub(crate) fn amount(minor: i64, currency: &str) -> String {
    match iso::find(currency) {
        Some(known) => Money::from_minor(minor, known).to_string(),
        None => format!("{currency} {}", money::major_from_minor(minor, currency)),
    }
}

/// The zone with this IANA name, or UTC.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// A time in a zone.
pub(crate) fn local(at: Utc, zone: &TimeZone) -> Zoned {
    let at = at.get();
    let nanosecond = i32::try_from(at.nanosecond()).unwrap_or_default();
    let stamp = Timestamp::new(at.unix_timestamp(), nanosecond);
    stamp.unwrap_or(Timestamp::MIN).to_zoned(zone.clone())
}

/// `14:05`.
pub(crate) fn clock(at: &Zoned) -> String {
    at.strftime("%H:%M").to_string()
}

/// `14:05:09`.
pub(crate) fn clock_with_seconds(at: &Zoned) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// `Thu 24 Dec 2026`, in words of the language.
pub(crate) fn day(at: &Zoned, language: Language) -> String {
    let number = |number: i8| Value::Number(i64::from(number));
    let args = [
        ("weekday", number(at.weekday().to_monday_one_offset())),
        ("day", number(at.day())),
        ("month", number(at.month())),
        ("year", Value::Number(i64::from(at.year()))),
    ];
    language.say("show-day", &args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_grouped_as_its_country_writes_it() {
        assert_eq!(amount(8_499_900, "INR"), "₹84,999.00");
        assert_eq!(amount(123_456_789, "INR"), "₹12,34,567.89");
        assert_eq!(amount(123_456_789, "USD"), "$1,234,567.89");
        assert_eq!(amount(170, "JPY"), "¥170");
        assert_eq!(amount(170, "XQQ"), "XQQ 1.70");
    }

    #[test]
    fn a_time_is_shown_in_the_shops_zone_and_in_words() {
        let at: Utc = "2026-12-23T20:05:09Z".parse().unwrap();
        let shown = local(at, &zone("Asia/Kolkata"));
        assert_eq!(clock(&shown), "01:35");
        assert_eq!(clock_with_seconds(&local(at, &zone("Nowhere"))), "20:05:09");
        let plain = |text: String| text.replace(['\u{2068}', '\u{2069}'], "");
        assert_eq!(plain(day(&shown, Language::English)), "Thu 24 Dec 2026");
        assert_eq!(plain(day(&shown, Language::Hindi)), "गुरु 24 दिस॰ 2026");
    }
}
