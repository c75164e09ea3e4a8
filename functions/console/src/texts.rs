//! The sentences of the pages, by language (Fluent). Names inside a sentence are isolated, so that
//! a name in another direction changes nothing around it.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_langneg::{NegotiationStrategy, convert_vec_str_to_langids_lossy};
use fluent_langneg::{negotiate_languages, parse_accepted_languages};
use unic_langid::{LanguageIdentifier, langid};

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Hindi,
}

impl Language {
    /// The first one is for everybody who asks for none of them.
    pub const ALL: &[Self] = &[Self::English, Self::Hindi];

    /// Its code, as in `lang`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Hindi => "hi",
        }
    }

    /// Its own name for itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Hindi => "हिन्दी",
        }
    }

    /// Its texts as they are written.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("../texts/en.ftl"),
            Self::Hindi => include_str!("../texts/hi.ftl"),
        }
    }

    fn id(self) -> LanguageIdentifier {
        match self {
            Self::English => langid!("en-IN"),
            Self::Hindi => langid!("hi-IN"),
        }
    }

    /// The language with this code.
    #[must_use]
    pub fn coded(code: &str) -> Option<Self> {
        let all = Self::ALL.iter().copied();
        all.into_iter().find(|language| language.code() == code)
    }

    /// The best language for a browser's `accept-language`.
    #[must_use]
    pub fn asked_for(accepted: &str) -> Self {
        let asked = parse_accepted_languages(accepted);
        let known = convert_vec_str_to_langids_lossy(Self::ALL.iter().map(|one| one.code()));
        let best = negotiate_languages(&asked, &known, None, NegotiationStrategy::Lookup);
        let best = best.first().map(|found| found.language.to_string());
        best.and_then(|code| Self::coded(&code))
            .unwrap_or(Self::English)
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        match self {
            Self::English => &ENGLISH,
            Self::Hindi => &HINDI,
        }
    }

    /// The text with this key. A test holds that every language has it.
    #[must_use]
    pub fn say(self, key: &str, args: &[(&str, Value)]) -> String {
        self.find(key, args).unwrap_or_else(|| key.to_owned())
    }

    /// The text with this key, if there is one.
    #[must_use]
    pub fn find(self, key: &str, args: &[(&str, Value)]) -> Option<String> {
        let bundle = self.bundle();
        let pattern = bundle.get_message(key)?.value()?;
        let args: FluentArgs<'_> = args
            .iter()
            .map(|(name, value)| (*name, FluentValue::from(value)))
            .collect();
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut errors);
        if !errors.is_empty() {
            tracing::error!(key, "a text of the console has errors: {errors:?}");
        }
        Some(text.into_owned())
    }
}

/// A value inside a text.
#[derive(Debug, Clone)]
pub enum Value {
    Text(String),
    Number(i64),
}

impl From<&Value> for FluentValue<'_> {
    fn from(value: &Value) -> Self {
        match value {
            Value::Text(text) => FluentValue::from(text.clone()),
            Value::Number(number) => FluentValue::from(*number),
        }
    }
}

/// What a template may put into a text.
pub trait Shown {
    fn shown(&self) -> Value;
}

impl<T: Shown + ?Sized> Shown for &T {
    fn shown(&self) -> Value {
        (**self).shown()
    }
}

impl Shown for str {
    fn shown(&self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl Shown for String {
    fn shown(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl Shown for i32 {
    fn shown(&self) -> Value {
        Value::Number(i64::from(*self))
    }
}

impl Shown for i64 {
    fn shown(&self) -> Value {
        Value::Number(*self)
    }
}

static ENGLISH: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| bundle(Language::English));
static HINDI: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle(Language::Hindi));

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![language.id()]);
    let resource = match FluentResource::try_new(language.source().to_owned()) {
        Ok(resource) => resource,
        Err((resource, errors)) => {
            tracing::error!("texts of {} have errors: {errors:?}", language.code());
            resource
        }
    };
    if let Err(errors) = bundle.add_resource(resource) {
        tracing::error!("texts of {} are there twice: {errors:?}", language.code());
    }
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::{Path, PathBuf};

    use operations::refusal::{Declared, Refusal as _};
    use operations::{checkout, delivery, import, order, payment, refund, sku, stock, subscriber};

    use super::*;

    /// Every text of a language, with the names of its values.
    fn texts(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut key = String::new();
        for line in language
            .source()
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            if let Some((name, _)) = line.split_once(" =")
                && !line.starts_with(' ')
            {
                key = name.to_owned();
                assert!(
                    found.insert(key.clone(), BTreeSet::new()).is_none(),
                    "{key}"
                );
            }
            for value in line.split('$').skip(1) {
                let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                let name = value[..end.unwrap_or(value.len())].to_owned();
                found.get_mut(&key).unwrap().insert(name);
            }
        }
        found
    }

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files(&path, found),
                false => found.push(path),
            }
        }
    }

    #[test]
    fn every_language_has_the_same_texts() {
        let english = texts(Language::English);
        assert!(english.len() > 30, "{}", english.len());
        for language in Language::ALL {
            assert_eq!(texts(*language), english, "{}", language.code());
            let parsed = FluentResource::try_new(language.source().to_owned());
            assert!(parsed.is_ok(), "{}: {:?}", language.code(), parsed.err());
        }
    }

    /// A key that is made of parts, such as `section-` and a name, is not seen here.
    #[test]
    fn every_text_that_a_page_says_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = Vec::new();
        files(&root.join("templates"), &mut all);
        files(&root.join("src"), &mut all);
        let english = texts(Language::English);
        let mut seen = 0;
        for path in all {
            let text = fs::read_to_string(&path).unwrap();
            for call in ["say(\"", "say1(\"", "say2(\""] {
                for said in text.split(&format!(".{call}")).skip(1) {
                    let key = said.split('"').next().unwrap();
                    assert!(english.contains_key(key), "{}: {key}", path.display());
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "{seen}");
    }

    /// The refusals of every operation that changes something, by the name of its error.
    fn refusals() -> [(&'static str, Vec<Declared>); 16] {
        [
            ("AcceptError", payment::AcceptError::declared()),
            ("AmendError", order::AmendError::declared()),
            ("ApplyError", import::ApplyError::declared()),
            ("BookError", order::BookError::declared()),
            ("CancelError", order::CancelError::declared()),
            ("ChangeError", stock::ChangeError::declared()),
            ("CloseError", sku::CloseError::declared()),
            ("DismissError", payment::DismissError::declared()),
            ("RequestError", refund::RequestError::declared()),
            ("ResendError", delivery::ResendError::declared()),
            ("RetryError", refund::RetryError::declared()),
            ("RetryEventError", payment::RetryEventError::declared()),
            ("RevokeError", checkout::RevokeError::declared()),
            ("ShrinkError", stock::ShrinkError::declared()),
            ("StageError", import::StageError::declared()),
            ("TestError", subscriber::TestError::declared()),
        ]
    }

    /// Except a wrong field: its sentence comes from the operation.
    #[test]
    fn every_refusal_has_a_text() {
        let mut all = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        let mut answered = BTreeSet::new();
        for path in all {
            let text = fs::read_to_string(&path).unwrap();
            for answer in text.split("-> Answer<").skip(1) {
                let error = answer.split(" {\n").next().unwrap();
                let error = error.trim_end_matches('>').rsplit(", ").next().unwrap();
                if error.ends_with("Error") {
                    answered.insert(error.to_owned());
                }
            }
        }
        let known = refusals().map(|(error, _)| error.to_owned());
        assert_eq!(answered, BTreeSet::from(known));
        let english = texts(Language::English);
        let said = refusals().into_iter().flat_map(|(_, declared)| declared);
        let without: BTreeSet<&str> = said
            .map(|refusal| refusal.kind.code)
            .filter(|code| *code != "invalid_request")
            .filter(|code| !english.contains_key(&format!("refusal-{}", code.replace('_', "-"))))
            .collect();
        assert!(without.is_empty(), "{without:?}");
    }

    #[test]
    fn a_browser_gets_its_language_and_a_name_stays_by_itself() {
        assert_eq!(
            Language::asked_for("hi-IN,hi;q=0.9,en;q=0.5"),
            Language::Hindi
        );
        assert_eq!(Language::asked_for("fr-FR,fr"), Language::English);
        assert_eq!(Language::asked_for(""), Language::English);
        let args = [("time", Value::Text("\u{202e}12:00".to_owned()))];
        let said = Language::English.say("as-of", &args);
        assert_eq!(said, "As of \u{2068}\u{202e}12:00\u{2069}");
    }
}
