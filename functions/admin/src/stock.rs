//! Stock levels: read, and changed with the version that the clerk saw.

use holdfast_http::parse::{json, not_null};
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, found, refused};
use lambda_http::http::Method;
use lambda_http::http::header::IF_MATCH;
use operations::ids::{MovementId, Reference, Sku};
use operations::quantity::{Count, Delta, Units, Version};
use operations::stock::{self, Change, ChangeError, Changed, Shrink};
use operations::text::Note;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::{Call, sku_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiveBody {
    quantity: Units,
    #[serde(default, deserialize_with = "not_null")]
    note: Option<Note>,
    #[serde(default, deserialize_with = "not_null")]
    expected_version: Option<Version>,
    #[serde(default, deserialize_with = "not_null")]
    reference: Option<Reference>,
    #[serde(default, deserialize_with = "not_null")]
    movement_id: Option<MovementId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdjustBody {
    delta: Delta,
    note: Note,
    #[serde(default, deserialize_with = "not_null")]
    expected_version: Option<Version>,
    #[serde(default, deserialize_with = "not_null")]
    reference: Option<Reference>,
    #[serde(default, deserialize_with = "not_null")]
    movement_id: Option<MovementId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetBody {
    on_hand: Count,
    note: Note,
    #[serde(default, deserialize_with = "not_null")]
    expected_version: Option<Version>,
    #[serde(default, deserialize_with = "not_null")]
    reference: Option<Reference>,
    #[serde(default, deserialize_with = "not_null")]
    movement_id: Option<MovementId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShrinkBody {
    missing: Units,
    note: Note,
    #[serde(default)]
    dry_run: bool,
    #[serde(default, deserialize_with = "not_null")]
    expected_version: Option<Version>,
    #[serde(default, deserialize_with = "not_null")]
    reference: Option<Reference>,
    #[serde(default, deserialize_with = "not_null")]
    movement_id: Option<MovementId>,
}

pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    match (rest, call.request.method()) {
        ([sku], &Method::GET) => read(call, &sku_of(sku)?).await,
        ([_], _) => Err(Problem::method_not_allowed("GET")),
        ([sku, "receive"], &Method::POST) => receive(call, sku_of(sku)?).await,
        ([sku, "adjust"], &Method::POST) => adjust(call, sku_of(sku)?).await,
        ([sku, "set"], &Method::POST) => set(call, sku_of(sku)?).await,
        ([sku, "shrink"], &Method::POST) => shrink(call, sku_of(sku)?).await,
        ([_, "receive" | "adjust" | "set" | "shrink"], _) => {
            Err(Problem::method_not_allowed("POST"))
        }
        _ => Err(Problem::not_found("path")),
    }
}

async fn read(call: &Call<'_>, sku: &Sku) -> Result<Reply, Problem> {
    let level = found("sku", stock::read(&call.app.db, &call.shop, sku).await)?;
    Ok(Reply::json(200, &level)?.with_version(level.version))
}

async fn receive(call: &Call<'_>, sku: Sku) -> Result<Reply, Problem> {
    let body: ReceiveBody = json(call.request.body())?;
    let version = ExpectedVersion::of(call, body.expected_version)?;
    let why = (body.reference, body.note);
    let change = change(call, sku, body.movement_id, version, why);
    let changed = stock::receive(&call.app.db, &change, body.quantity).await;
    version.answer(changed)
}

async fn adjust(call: &Call<'_>, sku: Sku) -> Result<Reply, Problem> {
    let body: AdjustBody = json(call.request.body())?;
    if body.delta.get() == 0 {
        return Err(Problem::invalid_request("delta", "must not be 0"));
    }
    let version = ExpectedVersion::of(call, body.expected_version)?;
    let why = (body.reference, Some(body.note));
    let change = change(call, sku, body.movement_id, version, why);
    let changed = stock::adjust(&call.app.db, &change, body.delta).await;
    version.answer(changed)
}

async fn set(call: &Call<'_>, sku: Sku) -> Result<Reply, Problem> {
    let body: SetBody = json(call.request.body())?;
    let version = ExpectedVersion::of(call, body.expected_version)?;
    let why = (body.reference, Some(body.note));
    let change = change(call, sku, body.movement_id, version, why);
    let changed = stock::set(&call.app.db, &change, body.on_hand).await;
    version.answer(changed)
}

async fn shrink(call: &Call<'_>, sku: Sku) -> Result<Reply, Problem> {
    let body: ShrinkBody = json(call.request.body())?;
    let version = ExpectedVersion::of(call, body.expected_version)?;
    let request = Shrink {
        shop: call.shop.clone(),
        sku,
        missing: body.missing,
        movement_id: body.movement_id.unwrap_or_else(|| Uuid::now_v7().into()),
        expected_version: Some(version.version),
        actor: call.actor.clone(),
        reference: body.reference,
        note: Some(body.note),
        dry_run: body.dry_run,
    };
    match stock::shrink(&call.app.db, &request).await {
        Ok(shrinkage) => Ok(Reply::json(200, &shrinkage)?.with_version(shrinkage.level.version)),
        Err(error) => Err(version.refusal(refused(&error))),
    }
}

/// A request without a movement id gets one here. So a statement that runs again after a broken
/// connection still counts once.
fn change(
    call: &Call<'_>,
    sku: Sku,
    movement_id: Option<MovementId>,
    version: ExpectedVersion,
    (reference, note): (Option<Reference>, Option<Note>),
) -> Change {
    Change {
        shop: call.shop.clone(),
        sku,
        movement_id: movement_id.unwrap_or_else(|| Uuid::now_v7().into()),
        expected_version: version.version,
        actor: call.actor.clone(),
        reference,
        note,
    }
}

/// The version that the clerk saw, and whether it came in the header.
#[derive(Clone, Copy)]
struct ExpectedVersion {
    version: Version,
    by_header: bool,
}

impl ExpectedVersion {
    /// Takes `expected_version` of the body or the header `If-Match: "7"`. One of them must be
    /// there. If both are there, they must be equal.
    fn of(call: &Call<'_>, in_body: Option<Version>) -> Result<Self, Problem> {
        let wrong = |message| Problem::invalid_request("if-match", message);
        let in_header = match call.request.headers().get(IF_MATCH) {
            None => None,
            Some(value) => {
                let quoted = value.to_str().ok();
                let digits = quoted.and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
                let number = digits.and_then(|digits| digits.parse::<i64>().ok());
                let version = number.and_then(|number| Version::try_from(number).ok());
                Some(version.ok_or_else(|| wrong("must be one version in quotes, such as \"7\""))?)
            }
        };
        match (in_body, in_header) {
            (Some(version), None) => Ok(Self {
                version,
                by_header: false,
            }),
            (None, Some(version)) => Ok(Self {
                version,
                by_header: true,
            }),
            (Some(body), Some(header)) if body == header => Ok(Self {
                version: header,
                by_header: true,
            }),
            (Some(_), Some(_)) => Err(Problem::invalid_request(
                "expected_version",
                "is another version than that of the header if-match",
            )),
            (None, None) => Err(Problem::invalid_request(
                "expected_version",
                "is missing: send the version that you have seen, here or as the header if-match",
            )),
        }
    }

    fn answer(self, changed: Result<Changed, ChangeError>) -> Result<Reply, Problem> {
        match changed {
            Ok(changed) => Ok(Reply::json(200, &changed)?.with_version(changed.level.version)),
            Err(error) => Err(self.refusal(refused(&error))),
        }
    }

    /// Turns a stale version into the status that fits: 412 for the header, 409 for the body.
    fn refusal(self, problem: Problem) -> Problem {
        if self.by_header {
            problem.of_precondition()
        } else {
            problem
        }
    }
}
