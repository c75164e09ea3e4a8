//! The queues of verified payment events and of announcements, and what Lambda does between SQS and
//! a function.
//!
//! A function gets batches of up to 10. Messages that it reports as failed stay in the queue and
//! come again; the others are deleted. After its last receive a message goes to the dead-letter
//! queue.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::lambda::{Host, REGION, WAITING_MAX};

const QUEUE: &str = "holdfast-payment-events";
const DEAD_LETTER_QUEUE: &str = "holdfast-payment-events-dead";
/// Announcements; nothing on this machine reads them.
const OUTBOX: &str = "holdfast-outbox.fifo";

/// MiniStack checks no signature, but reads the region and the service from it.
pub(crate) const SQS_AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
    Credential=local/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0";

/// The timeout of the function behind the queue. Above the 8 seconds of one database call, so that
/// the function can report a call that failed.
pub(crate) const FUNCTION_TIMEOUT: Duration = Duration::from_secs(10);
/// AWS advises six times the function's timeout, so that no batch runs twice at the same time. Here
/// it is one second above the longest batch: the timeout and the wait for a free process. When a
/// function was killed, its batch comes again while a person still watches.
const VISIBILITY_DEFAULT: Duration =
    Duration::from_secs(FUNCTION_TIMEOUT.as_secs() + WAITING_MAX.as_secs() + 1);
/// As in template.yaml.
const RECEIVES_MAX_DEFAULT: u32 = 20;
const BATCH_MAX: u32 = 10;
const LONG_POLL_S: u32 = 10;
/// After SQS itself failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How often the queue gives a message out, and how far apart.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// A message is received this often before it goes to the dead-letter queue.
    pub receives_max: u32,
    /// How long a received message is hidden; whole seconds.
    pub visibility: Duration,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            receives_max: RECEIVES_MAX_DEFAULT,
            visibility: VISIBILITY_DEFAULT,
        }
    }
}

/// The queue with its dead-letter queue, and the queue of announcements.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    client: reqwest::Client,
    pub(crate) endpoint: String,
    pub(crate) url: String,
    pub(crate) dead_letter_url: String,
    pub(crate) outbox_url: String,
    arn: String,
}

/// A message, as SQS gives it out.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(default)]
    attributes: Value,
}

impl Queue {
    /// Makes the queues, or finds them.
    pub(crate) async fn create(endpoint: String, options: &QueueOptions) -> Result<Self, Error> {
        let mut queue = Self {
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .unwrap_or_default(),
            endpoint,
            url: String::new(),
            dead_letter_url: String::new(),
            outbox_url: String::new(),
            arn: String::new(),
        };
        let made = queue.create_all(options).await;
        made.map_err(|detail| Error::Sqs {
            endpoint: queue.endpoint.clone(),
            detail,
        })?;
        Ok(queue)
    }

    async fn create_all(&mut self, options: &QueueOptions) -> Result<(), String> {
        self.dead_letter_url = self.create_one(DEAD_LETTER_QUEUE, json!({})).await?;
        let dead_letters = self.attributes(&self.dead_letter_url).await?;
        let redrive = json!({
            "deadLetterTargetArn": dead_letters["QueueArn"],
            "maxReceiveCount": options.receives_max,
        });
        let attributes = json!({
            "VisibilityTimeout": options.visibility.as_secs().to_string(),
            "RedrivePolicy": redrive.to_string(),
        });
        self.url = self.create_one(QUEUE, attributes).await?;
        let arn = self.attributes(&self.url).await?["QueueArn"].take();
        arn.as_str().unwrap_or_default().clone_into(&mut self.arn);
        self.outbox_url = self
            .create_one(OUTBOX, json!({ "FifoQueue": "true" }))
            .await?;
        Ok(())
    }

    async fn create_one(&self, name: &str, attributes: Value) -> Result<String, String> {
        let request = json!({ "QueueName": name, "Attributes": attributes });
        let made = self.call("CreateQueue", request).await?;
        let url = made["QueueUrl"].as_str().map(str::to_owned);
        url.ok_or_else(|| format!("{name} has no URL"))
    }

    async fn attributes(&self, url: &str) -> Result<Value, String> {
        let request = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
        let mut answer = self.call("GetQueueAttributes", request).await?;
        Ok(answer["Attributes"].take())
    }

    /// One action of the SQS API.
    async fn call(&self, action: &str, request: Value) -> Result<Value, String> {
        let sent = self
            .client
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header("authorization", SQS_AUTHORIZATION)
            .body(request.to_string())
            .send()
            .await;
        let answer = sent.map_err(|error| causes(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| causes(&error))?;
        match status.is_success() {
            true => Ok(serde_json::from_str(&text).unwrap_or_default()),
            false => Err(format!("{action}: {status}: {text}")),
        }
    }

    /// The messages in the queue, running ones included, and the dead letters.
    pub(crate) async fn depths(&self) -> Result<(u64, u64), String> {
        Ok((
            self.depth(&self.url).await?,
            self.depth(&self.dead_letter_url).await?,
        ))
    }

    async fn depth(&self, url: &str) -> Result<u64, String> {
        let attributes = self.attributes(url).await?;
        [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        .iter()
        .map(|name| {
            let count = attributes[name]
                .as_str()
                .and_then(|count| count.parse::<u64>().ok());
            count.ok_or_else(|| format!("{url} does not say its {name}"))
        })
        .sum()
    }

    /// Starts the pollers that feed `function`.
    pub(crate) fn feed(
        &self,
        host: &Arc<Host>,
        function: &'static str,
        pollers: usize,
        stopping: &CancellationToken,
    ) -> Vec<JoinHandle<()>> {
        let poller = |_| {
            let (queue, host) = (self.clone(), Arc::clone(host));
            tokio::spawn(queue.poll(host, function, stopping.clone()))
        };
        (0..pollers).map(poller).collect()
    }

    async fn poll(self, host: Arc<Host>, function: &'static str, stopping: CancellationToken) {
        // A received batch is finished: only the wait for the next one ends when the stack stops.
        while let Some(received) = stopping.run_until_cancelled(self.receive()).await {
            match received {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => self.hand_over(&host, function, messages).await,
                Err(detail) => {
                    tracing::warn!("receiving from {QUEUE}: {detail}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn receive(&self) -> Result<Vec<Message>, String> {
        let request = json!({
            "QueueUrl": self.url, "MaxNumberOfMessages": BATCH_MAX,
            "WaitTimeSeconds": LONG_POLL_S, "MessageSystemAttributeNames": ["All"],
        });
        let mut answer = self.call("ReceiveMessage", request).await?;
        let messages: Option<Vec<Message>> = serde_json::from_value(answer["Messages"].take())
            .map_err(|error| format!("an unreadable message: {error}"))?;
        Ok(messages.unwrap_or_default())
    }

    async fn hand_over(&self, host: &Host, function: &str, messages: Vec<Message>) {
        let records: Vec<Value> = messages.iter().map(|one| self.record(one)).collect();
        let event = json!({ "Records": records }).to_string();
        let failed = match host.invoke(function, event.into_bytes()).await {
            Ok(answer) => failures(&answer, &messages),
            Err(error) => {
                let count = messages.len();
                tracing::warn!("{function}: a batch of {count} comes again: {error}");
                None
            }
        };
        // `None`: the whole batch failed.
        let Some(failed) = failed else { return };
        let done = messages
            .iter()
            .filter(|one| !failed.contains(&one.message_id));
        let entries: Vec<Value> = done
            .enumerate()
            .map(|(id, one)| json!({ "Id": id.to_string(), "ReceiptHandle": one.receipt_handle }))
            .collect();
        if entries.is_empty() {
            return;
        }
        let request = json!({ "QueueUrl": self.url, "Entries": entries });
        if let Err(detail) = self.call("DeleteMessageBatch", request).await {
            // The messages come again, and applying them again changes nothing.
            tracing::warn!("deleting from {QUEUE}: {detail}");
        }
    }

    fn record(&self, message: &Message) -> Value {
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": message.attributes,
            "messageAttributes": {},
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": REGION,
        })
    }
}

/// The ids that the function reported as failed. `None`: the whole batch counts as failed, also
/// when the function names no id, or an id that was not in the batch.
fn failures(answer: &[u8], messages: &[Message]) -> Option<HashSet<String>> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Report {
        batch_item_failures: Option<Vec<Failure>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Failure {
        item_identifier: String,
    }
    let report: Option<Report> = serde_json::from_slice(answer).ok()?;
    let failures = report.unwrap_or_default().batch_item_failures;
    let failed: HashSet<String> = failures
        .into_iter()
        .flatten()
        .map(|failure| failure.item_identifier)
        .collect();
    let known = |failed: &String| messages.iter().any(|one| one.message_id == *failed);
    failed.iter().all(known).then_some(failed)
}

/// An error says little by itself; its causes say the rest.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_fails_as_a_whole_unless_the_report_names_its_messages() {
        let message = json!({ "MessageId": "a", "ReceiptHandle": "", "Body": "", "MD5OfBody": "" });
        let batch = [serde_json::from_value(message).unwrap()];
        let read = |answer: &str| failures(answer.as_bytes(), &batch);
        let failed = |id: &str| {
            read(&json!({ "batchItemFailures": [{ "itemIdentifier": id }] }).to_string())
        };
        assert_eq!(read("null"), Some(HashSet::new()));
        assert_eq!(read(r#"{"batchItemFailures":[]}"#), Some(HashSet::new()));
        assert_eq!(failed("a"), Some(HashSet::from(["a".to_owned()])));
        assert_eq!(failed("b"), None);
        let without_id = r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#;
        assert_eq!(read(without_id), None);
        assert_eq!(read("garbage"), None);
    }
}
