//! What every template shows: the layout's words, the person, the shop, and the navigation.

use askama::Template;
use axum::response::{IntoResponse, Response};
use holdfast_http::Problem;
use holdfast_http::problem::INTERNAL;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use operations::refusal::Said;
use operations::utc::Utc;
use uuid::Uuid;

use crate::access::{Section, sees_customers};
use crate::assets::{ICON, SCRIPT, STYLE};
use crate::session::Session;
use crate::show;
use crate::texts::{Language, Shown, Value};

/// A page, or a part of one.
pub(crate) struct Html<T>(pub(crate) T);

impl<T: Template> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(text) => axum::response::Html(text).into_response(),
            Err(error) => {
                tracing::error!("a template failed: {error}");
                Problem::from(INTERNAL).into_response()
            }
        }
    }
}

/// The shop of a page.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) zone: TimeZone,
    pub(crate) currency: String,
}

/// Who looks at a page of a shop.
#[derive(Clone)]
pub(crate) struct Inside {
    pub(crate) session: Session,
    pub(crate) place: Place,
    /// The section that the path names.
    pub(crate) section: Option<Section>,
    /// The path of the page, with its query.
    pub(crate) address: String,
}

/// What a template needs besides its own facts.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) language: Language,
    /// `None` on a page for everybody.
    pub(crate) inside: Option<Inside>,
}

/// A link of the navigation.
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
    pub(crate) is_here: bool,
}

impl Page {
    /// A page without a person or a shop.
    pub(crate) fn outside(language: Language) -> Self {
        Self {
            language,
            inside: None,
        }
    }

    pub(crate) fn say(&self, key: impl AsRef<str>) -> String {
        self.language.say(key.as_ref(), &[])
    }

    /// A text with one value in it.
    pub(crate) fn say1(&self, key: &str, name: &str, value: impl Shown) -> String {
        self.language.say(key, &[(name, value.shown())])
    }

    /// A text with two values in it.
    pub(crate) fn say2(
        &self,
        key: &str,
        first: &str,
        one: impl Shown,
        second: &str,
        two: impl Shown,
    ) -> String {
        let args: [(&str, Value); 2] = [(first, one.shown()), (second, two.shown())];
        self.language.say(key, &args)
    }

    /// The sentence of a refusal. For a wrong field: the name that the form gives it, and the
    /// operation's sentence, which is only in English.
    pub(crate) fn refusal(&self, said: &Said) -> String {
        let key = |kind: &str, name: &str| format!("{kind}-{}", name.replace('_', "-"));
        let own = self.language.find(&key("refusal", said.kind.code), &[]);
        let field = || {
            let error = said.members.get("errors")?.get(0)?;
            let label = key("input", error["field"].as_str()?);
            let label = self.language.find(&label, &[])?;
            Some(format!("{label}: {}", error["message"].as_str()?))
        };
        own.or_else(field)
            .unwrap_or_else(|| said.detail.to_string())
    }

    pub(crate) fn amount(&self, minor: &i64, currency: &str) -> String {
        show::amount(*minor, currency)
    }

    /// An amount in the shop's currency.
    pub(crate) fn price(&self, minor: i64) -> String {
        let inside = self.inside.as_ref();
        show::amount(minor, inside.map_or("", |inside| &inside.place.currency))
    }

    /// `14:05`.
    pub(crate) fn clock(&self, at: &Utc) -> String {
        show::clock(&show::local(*at, self.zone()))
    }

    /// `14:05:09`.
    pub(crate) fn clock_with_seconds(&self, at: &Utc) -> String {
        show::clock_with_seconds(&show::local(*at, self.zone()))
    }

    /// `Thu 24 Dec 2026`.
    pub(crate) fn day(&self, at: &Utc) -> String {
        show::day(&show::local(*at, self.zone()), self.language)
    }

    /// `Thu 24 Dec 2026`, of a day without a zone.
    pub(crate) fn date(&self, day: &Date) -> String {
        let at = day.to_zoned(TimeZone::UTC);
        at.map(|at| show::day(&at, self.language))
            .unwrap_or_default()
    }

    /// The desk on the day of a departure.
    pub(crate) fn desk_of(&self, at: &Option<Utc>) -> String {
        let day = at.map(|at| show::local(at, self.zone()).date());
        let day = day.map_or_else(String::new, |day| format!("?day={day}"));
        self.path(&format!("desk{day}"))
    }

    /// `Thu 24 Dec 2026 14:05`.
    pub(crate) fn day_and_clock(&self, at: &Utc) -> String {
        format!("{} {}", self.day(at), self.clock(at))
    }

    /// `Thu 24 Dec 2026 14:05:09`.
    pub(crate) fn day_and_seconds(&self, at: &Utc) -> String {
        format!("{} {}", self.day(at), self.clock_with_seconds(at))
    }

    /// A status in words.
    pub(crate) fn status(&self, word: &str) -> String {
        let key = format!("status-{}", word.replace('_', "-"));
        let known = self.language.find(&key, &[]);
        known.unwrap_or_else(|| word.replace('_', " "))
    }

    /// A column of a file in words.
    pub(crate) fn field(&self, name: &str) -> String {
        let key = format!("field-{}", name.replace('_', "-"));
        let known = self.language.find(&key, &[]);
        known.unwrap_or_else(|| name.to_owned())
    }

    /// What was just done, by the word that the address has for it.
    pub(crate) fn done(&self, section: &str, word: &Option<String>) -> Option<String> {
        let key = format!("{section}-done-{}", word.as_deref()?);
        self.language.find(&key, &[])
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        static UTC: TimeZone = TimeZone::UTC;
        self.inside
            .as_ref()
            .map_or(&UTC, |inside| &inside.place.zone)
    }

    /// Whether this person sees who the customers are.
    pub(crate) fn sees_customers(&self) -> bool {
        let inside = self.inside.as_ref();
        inside.is_some_and(|inside| sees_customers(&inside.session.roles))
    }

    /// Whether this person may change something in another section.
    pub(crate) fn may_change_in(&self, section: Section) -> bool {
        let inside = self.inside.as_ref();
        inside.is_some_and(|inside| section.may_change(&inside.session.roles))
    }

    /// Whether this person may change something in this section.
    pub(crate) fn may_change(&self) -> bool {
        self.inside.as_ref().is_some_and(|inside| {
            let section = inside.section;
            section.is_some_and(|section| section.may_change(&inside.session.roles))
        })
    }

    /// The path of a page of this shop.
    pub(crate) fn path(&self, rest: &str) -> String {
        let shop = self.inside.as_ref().map(|inside| &*inside.place.code);
        format!("/console/{}/{rest}", shop.unwrap_or_default())
    }

    pub(crate) fn csrf(&self) -> &str {
        let session = self.inside.as_ref().map(|inside| &*inside.session.csrf);
        session.unwrap_or_default()
    }

    /// A new id for a form.
    pub(crate) fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// The sections that this person may open, in this shop.
    pub(crate) fn sections(&self) -> Vec<Link> {
        let Some(inside) = &self.inside else {
            return Vec::new();
        };
        let link = |section: Section| Link {
            href: self.path(section.name()),
            text: self.say(format!("section-{}", section.name())),
            is_here: inside.section == Some(section),
        };
        Section::open_to(&inside.session.roles).map(link).collect()
    }

    /// The other shops of this person, with this section.
    pub(crate) fn shops(&self) -> Vec<Link> {
        let Some(inside) = &self.inside else {
            return Vec::new();
        };
        let section = inside.section.map_or("", Section::name);
        let link = |shop: &String| Link {
            href: format!("/console/{shop}/{section}"),
            text: shop.clone(),
            is_here: *shop == inside.place.code,
        };
        inside.session.shops.iter().map(link).collect()
    }

    pub(crate) fn other_languages(&self) -> impl Iterator<Item = Language> {
        let all = Language::ALL.iter().copied();
        all.filter(|language| *language != self.language)
    }

    pub(crate) fn style(&self) -> String {
        STYLE.path()
    }

    pub(crate) fn script(&self) -> String {
        SCRIPT.path()
    }

    pub(crate) fn icon(&self) -> String {
        ICON.path()
    }
}
