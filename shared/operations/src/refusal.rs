//! Refusals: the correct no of an operation. The same request gets it again until something
//! changes.
//!
//! A [`Kind`] is declared once, with its code, status, title and sentence. [`refusals!`] makes the
//! error enum of an operation from kinds. The HTTP functions answer them as problems, and
//! openapi.yaml lists them, without a further table.

use std::borrow::Cow;
use std::error::Error;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::db::Failure;

/// A kind of refusal. Clients decide by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The HTTP status that fits.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// The kind in a few words.
    pub title: &'static str,
    /// What is wrong, and what to do about it: a sentence for people.
    pub detail: &'static str,
}

/// The name under which a refusal carries all fields of a value.
pub const ALL: &str = "all";

/// A field of the request is wrong.
pub const INVALID_REQUEST: Kind = Kind {
    status: 400,
    code: "invalid_request",
    title: "The request is not valid",
    detail: "A field is missing, unknown, of the wrong type or out of bounds.",
};

/// Something does not exist, or belongs to somebody else.
pub const NOT_FOUND: Kind = Kind {
    status: 404,
    code: "not_found",
    title: "Not found",
    detail: "There is no such thing.",
};

/// One refusal: its kind, this time's sentence, and the values that it carries.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub kind: Kind,
    pub detail: Cow<'static, str>,
    /// What the refusal carries, such as `shortages`.
    pub members: Map<String, Value>,
}

impl Said {
    /// One field of the request is wrong. `message` follows the field's name.
    #[must_use]
    pub fn invalid(field: &str, message: &str) -> Self {
        let errors = json!([{ "field": field, "message": message }]);
        Self {
            detail: format!("{field}: {message}").into(),
            members: Map::from_iter([("errors".to_owned(), errors)]),
            kind: INVALID_REQUEST,
        }
    }

    /// There is no such thing for this caller.
    #[must_use]
    pub fn not_found(noun: &str) -> Self {
        Self {
            detail: format!("There is no such {noun}.").into(),
            ..NOT_FOUND.into()
        }
    }

    /// With another sentence.
    #[must_use]
    pub fn saying(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With a value under this name, or, if the name is `all`, with all fields of the value.
    #[must_use]
    pub fn carrying(mut self, name: &str, value: &impl Serialize) -> Self {
        match (name, json!(value)) {
            (ALL, Value::Object(fields)) => self.members.extend(fields),
            (name, value) => {
                self.members.insert(name.to_owned(), value);
            }
        }
        self
    }
}

impl From<Kind> for Said {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            detail: Cow::Borrowed(kind.detail),
            members: Map::new(),
        }
    }
}

/// The error of an operation: a refusal, or a failure of the database.
pub trait Refusal: Error + Send + Sync + 'static {
    /// The refusal.
    ///
    /// # Errors
    /// The failure, if it is one: the operation could not decide.
    fn said(&self) -> Result<Said, &Failure>;

    /// Every refusal of the operation, for the contract.
    fn declared() -> Vec<Declared>;
}

/// A read refuses nothing: it finds something or not.
impl Refusal for Failure {
    fn said(&self) -> Result<Said, &Failure> {
        Err(self)
    }

    fn declared() -> Vec<Declared> {
        Vec::new()
    }
}

/// A refusal as the contract shows it.
#[derive(Clone)]
pub struct Declared {
    pub kind: Kind,
    /// What it means for this operation. Empty: the contract says its sentence.
    pub meaning: String,
    /// The schema of what it carries.
    pub members: RefOr<Schema>,
    /// The schemas to which `members` refers.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

impl Declared {
    /// A refusal that carries the fields of `M`. `meaning` has the lines of a comment.
    #[must_use]
    pub fn new<M: ToSchema>(kind: Kind, meaning: &[&str]) -> Self {
        let mut schemas = Vec::new();
        M::schemas(&mut schemas);
        let meaning: Vec<&str> = meaning.iter().map(|line| line.trim()).collect();
        Self {
            kind,
            meaning: meaning.join("\n"),
            members: <M as PartialSchema>::schema(),
            schemas,
        }
    }
}

/// Defines the error enum of an operation from kinds of refusals.
///
/// A variant is one refusal: `Name => KIND;`. `Name(shortages: Vec<Shortage>) => KIND;` carries the
/// value under this name, and `Name(all: Level) => KIND;` all fields of the value. The value's
/// comment and its `#[schema(…)]` are for the contract. After a comma, an expression of the value
/// gives this time's sentence. In the contract, the comment of a variant says what the refusal
/// means here. `Failure` is added.
///
/// `pub enum Name of { Variant(Error), … }` joins the errors of several operations.
#[macro_export]
macro_rules! refusals {
    ($(#[$doc:meta])* pub enum $name:ident { $(
        $(#[doc = $why:literal])*
        $variant:ident $(($(#[$about:meta])* $member:ident : $type:ty))? =>
            $kind:expr $(, $detail:expr)?;
    )* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {
            $( $(#[doc = $why])* $variant $(($type))?, )*
            /// The database could not answer.
            Failure($crate::db::Failure),
        }

        impl $crate::refusal::Refusal for $name {
            fn said(&self) -> Result<$crate::refusal::Said, &$crate::db::Failure> {
                use $crate::refusal::Said;
                match self {
                    $( Self::$variant $(($member))? => Ok(
                        Said::from($kind)
                            $(.carrying(stringify!($member), $member))?
                            $(.saying($detail))?
                    ), )*
                    Self::Failure(failure) => Err(failure),
                }
            }

            fn declared() -> Vec<$crate::refusal::Declared> {
                use $crate::refusal::{Declared, Said};
                vec![ $( {
                    #[derive(utoipa::ToSchema)]
                    struct Members { $(
                        $(#[$about])*
                        #[expect(dead_code, reason = "only its schema is needed")]
                        $member: $type
                    )? }
                    Declared::new::<Members>(Said::from($kind).kind, &[$($why),*])
                } ),* ]
            }
        }

        $crate::refusals!(@display $name);

        impl std::error::Error for $name {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                match self {
                    Self::Failure(failure) => std::error::Error::source(failure),
                    _ => None,
                }
            }
        }

        impl From<$crate::db::Failure> for $name {
            fn from(failure: $crate::db::Failure) -> Self {
                Self::Failure(failure)
            }
        }
    };

    // the errors of several operations in one
    ($(#[$doc:meta])* pub enum $name:ident of { $($variant:ident($error:ty)),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {
            $($variant($error)),*
        }

        impl $crate::refusal::Refusal for $name {
            fn said(&self) -> Result<$crate::refusal::Said, &$crate::db::Failure> {
                match self {
                    $( Self::$variant(error) => error.said(), )*
                }
            }

            fn declared() -> Vec<$crate::refusal::Declared> {
                [$( <$error as $crate::refusal::Refusal>::declared() ),*].concat()
            }
        }

        $crate::refusals!(@display $name);

        impl std::error::Error for $name {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                match self {
                    $( Self::$variant(error) => error.source(), )*
                }
            }
        }

        $( impl From<$error> for $name {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        } )*
    };

    (@display $name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match $crate::refusal::Refusal::said(self) {
                    Ok(said) => f.write_str(&said.detail),
                    Err(failure) => failure.fmt(f),
                }
            }
        }
    };
}
