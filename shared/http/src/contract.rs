//! What a handler's types say in openapi.yaml: its parameters and its body, its answers, and every
//! problem. Nothing of this runs in a function.

use std::collections::BTreeMap;

use axum::extract::State;
use operations::page::{Cursor, ListRow};
use operations::quantity::PageLimit;
use operations::refusal::{Declared, INVALID_REQUEST, Kind, NOT_FOUND, Refusal};
use utoipa::__dev::Tags;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOf, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr, Required, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::body::JSON;
use crate::problem::{
    BODY_TOO_LARGE, INTERNAL, METHOD_NOT_ALLOWED, UNAVAILABLE, UNSUPPORTED_MEDIA_TYPE,
};
use crate::reply::NEXT;
use crate::{Json, Lines, List, Listed, Made, Path, PathParameter, Query, Refused, Versioned};

/// A field that is wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct FieldError {
    /// The wrong field: `lines[0].quantity` in the body, or the name of a parameter or header.
    /// `body` for the whole body.
    #[schema(example = "lines[0].quantity")]
    field: String,
    /// What is wrong with it, for people.
    #[schema(example = "must be a whole number from 1 to 100000, got 0")]
    message: String,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct FieldErrors {
    #[schema(min_items = 1)]
    errors: Vec<FieldError>,
}

/// What API Gateway itself answers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is needed")]
struct ApiGatewayMessage {
    #[schema(example = "Unauthorized")]
    message: String,
}

#[derive(ToSchema)]
struct Nothing {}

/// Schemas by content type.
pub type Content = Vec<(&'static str, RefOr<Schema>)>;

/// An answer that is no problem.
#[derive(Default, Clone)]
pub struct AnswerBody {
    /// By content type.
    pub content: Content,
    /// By name, and whether it is always there.
    pub headers: Vec<(&'static str, bool, Header)>,
}

/// One operation as the contract shows it.
pub struct Description {
    /// Its id, its words, and the description of each answer: from `#[utoipa::path]`.
    pub operation: Operation,
    pub parameters: Vec<Parameter>,
    /// What the body is, if its schema does not say so.
    pub body_about: Option<&'static str>,
    /// Whether the body must be there, and its schema by content type.
    pub body: Option<(bool, Content)>,
    /// By status.
    pub answers: BTreeMap<u16, AnswerBody>,
    pub problems: Vec<Declared>,
    /// All schemas to which the others refer.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

impl Description {
    pub(crate) fn of<P, H, T>() -> Self
    where
        P: utoipa::Path + for<'t> Tags<'t>,
        H: Described<T>,
    {
        let mut operation = P::operation();
        operation.tags = Some(P::tags().into_iter().map(str::to_owned).collect());
        let mut description = Self {
            operation,
            parameters: Vec::new(),
            body_about: None,
            body: None,
            answers: BTreeMap::new(),
            problems: Vec::new(),
            schemas: Vec::new(),
        };
        H::describe(&mut description);
        if !H::TAKES_QUERY {
            description.invalid_request();
        }
        description.problem(
            NOT_FOUND,
            "it does not exist, it belongs to somebody else, or this deployment does not serve \
             the shop.",
        );
        description.problem(
            METHOD_NOT_ALLOWED,
            "the path exists, but not with this method.",
        );
        description.problem(INTERNAL, "a defect. Trying again is safe.");
        description.problem(
            UNAVAILABLE,
            "the database or the queue cannot be reached or is too busy. The request may or may \
             not have taken effect: send it again after `Retry-After` seconds.",
        );
        for (_, schema) in &mut description.schemas {
            optional_is_absent(schema);
        }
        description
    }

    /// The schema of a type, as a reference.
    pub fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name();
        self.schemas.push((name.to_string(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(name).into()
    }

    /// Adds a problem that carries nothing.
    pub fn problem(&mut self, kind: Kind, meaning: &str) {
        self.declare(Declared::new::<Nothing>(kind, &[meaning]));
    }

    /// Adds the problem of a wrong field.
    pub fn invalid_request(&mut self) {
        self.invalid_request_when(
            "a parameter, header or field is missing, unknown, of the wrong type or out of \
             bounds, or the body is not JSON. `errors` says which and why.",
        );
    }

    /// Adds the problem of a wrong field, with what it means for this operation.
    pub fn invalid_request_when(&mut self, meaning: &str) {
        self.declare(Declared::new::<FieldErrors>(INVALID_REQUEST, &[meaning]));
    }

    /// Adds a problem. An operation has each code once.
    pub fn declare(&mut self, declared: Declared) {
        let same = |known: &&mut Declared| known.kind.code == declared.kind.code;
        match self.problems.iter_mut().find(same) {
            Some(known) if known.meaning.is_empty() => known.meaning = declared.meaning,
            Some(_) => {}
            None => {
                self.schemas.extend(declared.schemas.clone());
                self.problems.push(declared);
            }
        }
    }

    /// Adds the 401 of API Gateway's own authorizer, which has no problem.
    pub fn refused_by_api_gateway(&mut self) {
        let schema = self.schema::<ApiGatewayMessage>();
        self.answers.entry(401).or_default().content = vec![(JSON, schema)];
    }

    /// Adds a body with these content types.
    pub fn body_of(&mut self, required: bool, content: Content) {
        self.invalid_request();
        self.problem(
            UNSUPPORTED_MEDIA_TYPE,
            "the body is of another type, in another charset than UTF-8, or compressed.",
        );
        self.raw_body(required, content);
    }

    /// Adds a body that is not parsed.
    pub fn raw_body(&mut self, required: bool, content: Content) {
        self.problem(
            BODY_TOO_LARGE,
            "the body is longer than 64 KiB; for a webhook 256 KiB; for a part of an import 4 MiB.",
        );
        self.body = Some((required, content));
    }

    /// Adds an answer in JSON.
    pub fn answer<T: ToSchema>(&mut self, status: u16) {
        let schema = self.schema::<T>();
        self.answers.entry(status).or_default().content = vec![(JSON, schema)];
    }

    /// Adds a header to an answer.
    pub fn header(&mut self, status: u16, name: &'static str, always: bool, header: HeaderBuilder) {
        let headers = &mut self.answers.entry(status).or_default().headers;
        headers.push((name, always, header.build()));
    }

    /// The schema of a cursor.
    fn cursor(&mut self, about: &str) -> RefOr<Schema> {
        self.schema::<Cursor>();
        let mut cursor = Ref::from_schema_name(Cursor::name());
        about.clone_into(&mut cursor.description);
        cursor.into()
    }

    /// Adds the fields of a struct as parameters of the query.
    fn query<T: ToSchema>(&mut self) {
        self.invalid_request();
        self.fields::<T>(ParameterIn::Query);
    }

    /// Adds the fields of a struct as parameters.
    pub fn fields<T: ToSchema>(&mut self, location: ParameterIn) {
        T::schemas(&mut self.schemas);
        let mut schema = <T as PartialSchema>::schema();
        optional_is_absent(&mut schema);
        let RefOr::T(Schema::Object(fields)) = schema else {
            return;
        };
        for (name, schema) in fields.properties {
            let required = fields.required.contains(&name);
            self.parameter(&name, location.clone(), required, schema);
        }
    }

    /// Adds a parameter of the path.
    pub fn path_parameter<T: PathParameter>(&mut self) {
        let schema = self.schema::<T>();
        self.parameters.push(
            ParameterBuilder::new()
                .name(T::NAME)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some(T::DESCRIPTION))
                .schema(Some(schema))
                .build(),
        );
    }

    /// Adds a parameter. The description beside its schema becomes its own.
    pub fn parameter(
        &mut self,
        name: &str,
        location: ParameterIn,
        required: bool,
        mut schema: RefOr<Schema>,
    ) {
        let about = match &mut schema {
            RefOr::Ref(reference) => Some(std::mem::take(&mut reference.description)),
            RefOr::T(Schema::Object(object)) => object.description.take(),
            RefOr::T(_) => None,
        };
        self.parameters.push(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(location)
                .required(if required {
                    Required::True
                } else {
                    Required::False
                })
                .description(about.filter(|about| !about.is_empty()))
                .schema(Some(schema))
                .build(),
        );
    }
}

/// A handler whose types describe it: `T` are the types that it takes.
pub trait Described<T> {
    /// Whether one of the types takes the query. If none does, the route refuses any parameter.
    const TAKES_QUERY: bool;

    /// Adds what the types say.
    fn describe(to: &mut Description);
}

/// Something that a handler takes.
pub trait Input {
    /// Whether it takes the query of a request.
    const TAKES_QUERY: bool = false;

    /// Adds what it says to the contract.
    fn describe(to: &mut Description);
}

/// Something that a handler answers.
pub trait Output {
    /// Adds what it says to the contract.
    fn describe(to: &mut Description);
}

// A function of up to seven inputs. The types are those of axum's `Handler`: it puts a mark of its
// own before the inputs.
macro_rules! described {
    ($($input:ident)*) => {
        impl<Function, Answering, Answered, Mark, $($input),*> Described<(Mark, $($input,)*)>
            for Function
        where
            Function: Fn($($input),*) -> Answering,
            Answering: Future<Output = Answered>,
            Answered: Output,
            $($input: Input,)*
        {
            const TAKES_QUERY: bool = false $(|| $input::TAKES_QUERY)*;

            fn describe(to: &mut Description) {
                $($input::describe(to);)*
                Answered::describe(to);
            }
        }
    };
}

described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
described!(A B C D E F);
described!(A B C D E F G);

impl<S> Input for State<S> {
    fn describe(_: &mut Description) {}
}

impl<T: PathParameter> Input for Path<T> {
    fn describe(to: &mut Description) {
        to.invalid_request();
        to.path_parameter::<T>();
    }
}

impl<T: ToSchema> Input for Query<T> {
    const TAKES_QUERY: bool = true;

    fn describe(to: &mut Description) {
        to.query::<T>();
    }
}

impl<F: ToSchema, P, L: ToSchema + Default + serde::Serialize> Input for List<F, P, L> {
    const TAKES_QUERY: bool = true;

    fn describe(to: &mut Description) {
        to.query::<F>();
        let cursor = to.cursor("Where the page begins: `next` of the previous page.");
        to.parameter("cursor", ParameterIn::Query, false, cursor);
        let mut limit = <L as PartialSchema>::schema();
        if let RefOr::T(Schema::Object(limit)) = &mut limit {
            limit.description = Some("At most this many rows on the page.".to_owned());
            limit.default = serde_json::to_value(L::default()).ok();
            limit.examples = limit.default.iter().cloned().collect();
        }
        to.parameter("limit", ParameterIn::Query, false, limit);
    }
}

impl<T: ToSchema> Input for Json<T> {
    fn describe(to: &mut Description) {
        let schema = to.schema::<T>();
        to.body_of(true, vec![(JSON, schema)]);
    }
}

impl<T: ToSchema> Input for Option<Json<T>> {
    fn describe(to: &mut Description) {
        let schema = to.schema::<T>();
        to.body_of(false, vec![(JSON, schema)]);
    }
}

impl<T: ToSchema> Output for Json<T> {
    fn describe(to: &mut Description) {
        to.answer::<T>(200);
    }
}

impl<T: ToSchema> Output for Made<T> {
    fn describe(to: &mut Description) {
        to.answer::<T>(200);
        to.answer::<T>(201);
    }
}

impl<T: ToSchema> Output for Versioned<T> {
    fn describe(to: &mut Description) {
        to.answer::<T>(200);
        let tag = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^\"[0-9]+\"$"))
            .examples(["\"1\""]);
        let about = "The version of the shown thing, in quotes, to send back as `If-Match`.";
        let header = HeaderBuilder::new()
            .schema(Some(tag))
            .description(Some(about));
        to.header(200, "ETag", true, header);
    }
}

impl<T: ListRow + ToSchema> Output for Listed<T> {
    fn describe(to: &mut Description) {
        let row = to.schema::<T>();
        let rows_max = usize::try_from(PageLimit::MAX).ok();
        let rows = ArrayBuilder::new().items(row).max_items(rows_max);
        let next = to.cursor("Where the next page begins. Missing on the last page.");
        let page = ObjectBuilder::new()
            .property(T::ROWS, rows)
            .required(T::ROWS)
            .property("next", next)
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
        let name = format!("{}Page", T::name());
        to.schemas.push((name.clone(), page.into()));
        let page = Ref::from_schema_name(name).into();
        to.answers.entry(200).or_default().content = vec![(JSON, page)];
    }
}

impl Output for Lines {
    fn describe(to: &mut Description) {
        let text: RefOr<Schema> = ObjectBuilder::new().schema_type(Type::String).into();
        to.answers.entry(200).or_default().content =
            vec![("text/csv", text.clone()), ("application/jsonl", text)];
        let header = HeaderBuilder::new()
            .schema(Some(<Cursor as PartialSchema>::schema()))
            .description(Some(
                "The `cursor` of the next page. Missing on the last page.",
            ));
        to.header(200, NEXT, false, header);
    }
}

impl<T: Output, E: Refusal> Output for Result<T, Refused<E>> {
    fn describe(to: &mut Description) {
        T::describe(to);
        for declared in E::declared() {
            to.declare(declared);
        }
    }
}

/// An optional field is absent, never null. What utoipa makes of an `Option` may be null, too.
/// A field that is required and may be null stays as it is.
fn optional_is_absent(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            for (name, property) in &mut object.properties {
                if !object.required.contains(name) {
                    remove_null(property);
                }
                optional_is_absent(property);
            }
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(optional_is_absent),
        _ => {}
    }
}

fn remove_null(property: &mut RefOr<Schema>) {
    let is_null = |schema: &RefOr<Schema>| {
        matches!(schema, RefOr::T(Schema::Object(object))
            if object.schema_type == SchemaType::Type(Type::Null))
    };
    match property {
        RefOr::T(Schema::OneOf(OneOf {
            items, description, ..
        })) => {
            items.retain(|item| !is_null(item));
            if let (Some(mut only), true) = (items.pop(), items.is_empty()) {
                if let (RefOr::Ref(reference), Some(about)) = (&mut only, description.take()) {
                    reference.description = about;
                }
                *property = only;
            }
        }
        RefOr::T(Schema::Object(object)) => one_type(&mut object.schema_type),
        RefOr::T(Schema::Array(array)) => one_type(&mut array.schema_type),
        _ => {}
    }
}

fn one_type(schema_type: &mut SchemaType) {
    if let SchemaType::Array(types) = schema_type {
        types.retain(|schema_type| *schema_type != Type::Null);
        if let [only] = types.as_slice() {
            *schema_type = SchemaType::Type(only.clone());
        }
    }
}
