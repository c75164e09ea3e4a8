//! What happened to one checkout, and what may be done about it.

use askama::Template;
use axum::extract::State;
use holdfast_http::{Answer, Path, Query, Refused, found};
use operations::db::Failure;
use operations::history::{self, Entry, Timeline};
use operations::ids::{CheckoutId, OrderId};
use operations::refund::{self, Overview};
use operations::refusal::Said;
use serde::Deserialize;

use crate::app::Shared;
use crate::page::{Html, Page};
use crate::staff::Staff;

#[derive(Template)]
#[template(path = "support/timeline.html")]
pub(crate) struct Shown {
    pub(crate) page: Page,
    pub(crate) timeline: Timeline,
    pub(crate) money: Option<Overview>,
    pub(crate) typed: Typed,
    pub(crate) refused: Option<Said>,
    pub(crate) done: Option<String>,
}

/// The refund form, as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Typed {
    pub(crate) refund_id: String,
    pub(crate) amount: String,
    pub(crate) note: String,
}

impl Shown {
    /// What an entry means, in a sentence.
    fn sentence(&self, entry: &Entry) -> String {
        let key = format!("event-{}", entry.happened.as_str().replace('_', "-"));
        self.page.say(&key)
    }

    /// Why a refund is owed, in words. Other reasons are a gateway's or the shop's own.
    fn reason(&self, entry: &Entry) -> Option<String> {
        let reason = entry.reason.as_ref()?;
        let is_refund = entry.happened.as_str().starts_with("refund_");
        let known = is_refund.then(|| self.page.language.find(&format!("reason-{reason}"), &[]));
        Some(known.flatten().unwrap_or_else(|| reason.clone()))
    }

    /// Whether the checkout still holds stock that staff may take back.
    fn may_revoke(&self) -> bool {
        matches!(&*self.timeline.status, "open" | "ordered")
    }

    /// Whether money waits for a decision: it is not the order's total.
    fn may_accept(&self) -> bool {
        self.timeline.order_status.as_deref() == Some("review")
    }

    /// The amount that the form proposes: all that is left.
    fn proposed(&self) -> String {
        match (&self.money, &*self.typed.amount) {
            (Some(money), "") => {
                operations::money::major_from_minor(money.refundable_minor, &money.currency)
            }
            (_, typed) => typed.to_owned(),
        }
    }

    fn refund_id(&self) -> String {
        match &*self.typed.refund_id {
            "" => self.page.new_id().to_string(),
            typed => typed.to_owned(),
        }
    }
}

/// Reads the timeline and the money of a checkout.
pub(crate) async fn read(
    app: &Shared,
    staff: &Staff,
    id: CheckoutId,
) -> Result<(Timeline, Option<Overview>), Refused<Failure>> {
    let timeline = found(
        "checkout",
        history::timeline(&app.db, &staff.shop, id).await,
    )?;
    let money = match timeline.order_id {
        Some(order) => refund::overview(&app.db, &staff.shop, OrderId::from(order)).await?,
        None => None,
    };
    Ok((timeline, money))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// What was just done.
    done: Option<String>,
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Query(asked): Query<Asked>,
) -> Answer<Html<Shown>, Failure> {
    let (timeline, money) = read(&app, &staff, id).await?;
    Ok(Html(Shown {
        page: staff.page,
        timeline,
        money,
        typed: Typed::default(),
        refused: None,
        done: asked.done,
    }))
}
