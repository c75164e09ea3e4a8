//! The stock office's part of the deployment: every request carries the clerk's token.

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{Api, Reply};
use crate::meters::Call;

/// What a request to the stock office carries.
#[derive(Clone, Copy)]
pub(crate) enum Sent<'a> {
    Nothing,
    Json(&'a Value),
    /// A file of an import: a JSON object a line.
    Lines(&'a str),
}

/// The counters of a sku, in an answer or in a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Level {
    pub(crate) on_hand: i64,
    pub(crate) held: i64,
    pub(crate) version: i64,
}

/// A change of stock that went through.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Changed {
    pub(crate) movement: Option<Movement>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Movement {
    pub(crate) version: i64,
    pub(crate) delta: i64,
}

impl Api {
    /// One request below the shop's part of the stock office, repeated until it is answered.
    pub(crate) async fn office(
        &self,
        call: Call,
        method: Method,
        path: &str,
        sent: Sent<'_>,
    ) -> Reply {
        let url = format!("{}/v1/admin/shops/{}/{path}", self.base, self.shop);
        self.ask(call, |client| {
            let request = client
                .request(method.clone(), &url)
                .bearer_auth(self.admin_token.as_deref().unwrap_or_default());
            match sent {
                Sent::Nothing => request,
                Sent::Json(body) => request.json(body),
                Sent::Lines(lines) => request
                    .header("content-type", "application/jsonl")
                    .body(lines.to_owned()),
            }
        })
        .await
    }

    /// The counters of a sku with the version to send back; none when there is no such answer.
    pub(crate) async fn level(&self, sku: &str) -> Option<Level> {
        let path = format!("stock/{sku}");
        let reply = self
            .office(Call::StockRead, Method::GET, &path, Sent::Nothing)
            .await;
        reply.json(200)
    }
}

impl Reply {
    /// The body of an answer with this status.
    pub(crate) fn json<T: for<'de> Deserialize<'de>>(&self, wanted: u16) -> Option<T> {
        match &self.answer {
            Ok((status, body)) if *status == wanted => serde_json::from_slice(body).ok(),
            _ => None,
        }
    }

    /// Status and problem code.
    pub(crate) fn problem(&self) -> (u16, String) {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Code {
            code: String,
        }
        match &self.answer {
            Ok((status, body)) => {
                let problem: Code = serde_json::from_slice(body).unwrap_or_default();
                (*status, problem.code)
            }
            Err(reason) => (0, reason.clone()),
        }
    }
}
