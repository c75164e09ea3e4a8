//! A stored event, read once more by the admin API.

use serde_json::{Value, json};
use stock::api::Api;

use crate::args::Event;

pub(crate) async fn run(args: &Event) -> Result<(), String> {
    let api = Api::new(&args.target)?;
    let event = json!({ "gateway": args.gateway, "event_key": args.event_key });
    let answer = api.post("payment-events/redrive", &event).await?;
    println!("{}", answer.json::<Value>()?);
    Ok(())
}
