//! From the dead-letter queue back to the queue. A message is sent before it is deleted: a crash
//! between the two leaves it in both queues, and never in none.

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use caller::{causes, no_credentials, sdk_config};
use serde::Deserialize;

use crate::args::DeadLetters;

/// SQS gives at most this many messages at once.
const BATCH_MAX: i32 = 10;
/// How long a received message is hidden from other readers. Too short, and it is moved twice.
const HIDDEN_S: i32 = 60;
/// SQS asks one of several servers, which may have nothing. With a wait it asks all of them.
const WAIT_S: i32 = 2;

/// The fields of a message to print. The others may name people.
#[derive(Deserialize)]
struct QueuedWebhook {
    shop: String,
    gateway: String,
    received_at: String,
}

pub(crate) async fn run(args: &DeadLetters) -> Result<(), String> {
    let client = client().await?;
    // A message may fail again and come back meanwhile. It is not moved again and again.
    let there = waiting(&client, &args.from).await?.min(args.max);
    let mut moved = 0;
    while moved < there {
        let left = i32::try_from(there - moved).unwrap_or(BATCH_MAX);
        let received = client
            .receive_message()
            .queue_url(&args.from)
            .max_number_of_messages(left.min(BATCH_MAX))
            .visibility_timeout(HIDDEN_S)
            .wait_time_seconds(WAIT_S)
            .send()
            .await
            .map_err(|error| causes(&error))?;
        let messages = received.messages.unwrap_or_default();
        if messages.is_empty() {
            break;
        }
        for message in &messages {
            println!("{}", described(message));
            if !args.look {
                move_one(&client, args, message).await?;
            }
            moved += 1;
        }
    }
    if args.look {
        println!("{moved} there; nothing was moved");
    } else {
        println!("{moved} moved");
    }
    Ok(())
}

async fn client() -> Result<Client, String> {
    let config = sdk_config().await;
    if let Some(provider) = config.credentials_provider() {
        let credentials = provider.provide_credentials().await;
        credentials.map_err(|error| no_credentials(&error))?;
    }
    Ok(Client::new(&config))
}

async fn waiting(client: &Client, url: &str) -> Result<usize, String> {
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let answer = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(name.clone())
        .send()
        .await
        .map_err(|error| causes(&error))?;
    let count = answer.attributes.and_then(|mut all| all.remove(&name));
    count
        .and_then(|count| count.parse().ok())
        .ok_or_else(|| format!("{url} does not say how many messages it has"))
}

async fn move_one(client: &Client, args: &DeadLetters, message: &Message) -> Result<(), String> {
    client
        .send_message()
        .queue_url(&args.to)
        .message_body(message.body.as_deref().unwrap_or_default())
        .send()
        .await
        .map_err(|error| causes(&error))?;
    client
        .delete_message()
        .queue_url(&args.from)
        .receipt_handle(message.receipt_handle.as_deref().unwrap_or_default())
        .send()
        .await
        .map_err(|error| causes(&error))?;
    Ok(())
}

fn described(message: &Message) -> String {
    let id = message.message_id.as_deref().unwrap_or_default();
    let body = message.body.as_deref().unwrap_or_default();
    match serde_json::from_str::<QueuedWebhook>(body) {
        Ok(QueuedWebhook {
            shop,
            gateway,
            received_at,
        }) => format!("{id}: {gateway}, for {shop}, came in at {received_at}"),
        Err(error) => format!("{id}: not a queued webhook ({error})"),
    }
}
