//! The subscribers of a shop: URLs that get its announcements.

use holdfast_http::parse::{invalid, json, not_null};
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use lambda_http::http::Method;
use operations::outbox;
use operations::subscriber::{self, Put, is_name, parse_url};
use serde::{Deserialize, Serialize};

use crate::app::Call;
use crate::listed::listed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    url: String,
    #[serde(default, deserialize_with = "not_null")]
    types: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Deleted<'a> {
    deleted: &'a str,
}

pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    let name = match rest {
        [] => return list(call).await,
        [name] => name,
        _ => return Err(Problem::not_found("path")),
    };
    match *call.request.method() {
        Method::GET => read(call, name).await,
        Method::PUT => put(call, name).await,
        Method::DELETE => delete(call, name).await,
        _ => Err(Problem::method_not_allowed("GET, PUT, DELETE")),
    }
}

async fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    call.only_get()?;
    let page = subscriber::list(&call.app.db, &call.shop).await;
    listed("subscribers", page)
}

async fn read(call: &Call<'_>, name: &str) -> Result<Reply, Problem> {
    Reply::found(
        "subscriber",
        subscriber::read(&call.app.db, &call.shop, name).await,
    )
}

async fn delete(call: &Call<'_>, name: &str) -> Result<Reply, Problem> {
    let deleted = subscriber::delete(&call.app.db, &call.shop, name).await;
    let deleted = deleted.map(|deleted| deleted.then_some(Deleted { deleted: name }));
    Reply::found("subscriber", deleted)
}

async fn put(call: &Call<'_>, name: &str) -> Result<Reply, Problem> {
    let put = parse(call, name)?;
    match subscriber::put(&call.app.db, &put).await {
        Ok((true, subscriber)) => Reply::json(201, &subscriber),
        Ok((false, subscriber)) => Reply::json(200, &subscriber),
        Err(error) => Err(refused(&error)),
    }
}

fn parse(call: &Call<'_>, name: &str) -> Result<Put, Problem> {
    if !is_name(name) {
        let rule = "must be 1 to 40 characters of a to z, 0 to 9 and -";
        return Err(Problem::invalid_request("name", rule));
    }
    let body: PutBody = json(call.request.body())?;
    let url = parse_url(&body.url).map_err(|error| invalid("url", &error))?;
    let types = body.types.as_deref().unwrap_or_default();
    let good = |name: &String| outbox::TYPES.contains(&name.as_str());
    let number = body.types.as_ref().map_or(1, Vec::len);
    if !(1..=outbox::TYPES.len()).contains(&number) || !types.iter().all(good) {
        let rule = format!(
            "must be a list of {}, or be left out for all",
            outbox::TYPES.join(", ")
        );
        return Err(Problem::invalid_request("types", &rule));
    }
    Ok(Put {
        shop: call.shop.clone(),
        name: name.to_owned(),
        url: url.into(),
        types: body.types,
    })
}
