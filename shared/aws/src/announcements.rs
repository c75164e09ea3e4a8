//! The queue of announcements. It is FIFO, so the messages of one order stay in order.

use std::env;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use operations::cause::Cause;
use operations::config::ConfigError;
use operations::outbox::{self, Answers, Message, Sending};

use crate::sqs::{CallLimits, Queue};

const VARIABLE: &str = "OUTBOX_QUEUE_URL";
/// If too low, a slow queue counts as down. If too high, the functions wait for a queue that is
/// down. Unsent messages wait in the database.
const CALL_LIMITS: CallLimits = CallLimits {
    call: Duration::from_millis(2000),
    one_try: Duration::from_millis(900),
};

/// Bytes of a payload. A batch of ten, attributes included, stays below SQS's 1 MiB. SQS refuses a
/// larger batch as a whole, and then one message would block the others.
const PAYLOAD_BYTES_MAX: usize = 96 * 1024;

/// The queue of announcements.
pub struct Announcements(Queue);

impl Announcements {
    /// Reads `OUTBOX_QUEUE_URL`. Without it nothing is sent.
    ///
    /// # Errors
    /// When the URL is not that of a FIFO queue.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        let url = env::var(VARIABLE).ok().filter(|url| !url.is_empty());
        url.map(Self::new).transpose()
    }

    fn new(url: String) -> Result<Self, ConfigError> {
        if url.ends_with(".fifo") {
            return Ok(Self(Queue::new(url, CALL_LIMITS)));
        }
        Err(ConfigError::Invalid {
            variable: VARIABLE,
            reason:
                "must be the URL of a FIFO queue, which ends with .fifo: another one would mix \
                     up the order"
                    .to_owned(),
        })
    }

    async fn send_batch(&self, messages: &[Message]) -> Result<Answers, Cause> {
        let too_long = |message: &Message| {
            let bytes = message.payload.len();
            (bytes > PAYLOAD_BYTES_MAX)
                .then(|| format!("{bytes} bytes: it may have {PAYLOAD_BYTES_MAX}"))
        };
        let mut answers: Answers = messages.iter().map(too_long).collect();
        let mut entries = Vec::new();
        for (n, message) in messages.iter().enumerate() {
            if answers[n].is_none() {
                entries.push(entry(n, message)?);
            }
        }
        let sent = entries.len();
        if sent == 0 {
            return Ok(answers);
        }
        let request = self.0.client().await.send_message_batch();
        let request = request.queue_url(&self.0.url).set_entries(Some(entries));
        let answer = request.send().await?;
        for failed in answer.failed() {
            let place = failed.id().parse().ok();
            let answer = place.and_then(|place: usize| answers.get_mut(place));
            let answer = answer.ok_or_else(|| format!("SQS failed {:?}: no entry", failed.id()))?;
            let detail = failed.message().unwrap_or_default();
            *answer = Some(format!("{}: {detail}", failed.code()));
        }
        let accounted = answer.failed().len() + answer.successful().len();
        if accounted < sent {
            return Err("SQS answered for fewer messages than it got".into());
        }
        Ok(answers)
    }
}

fn entry(n: usize, message: &Message) -> Result<SendMessageBatchRequestEntry, Cause> {
    let text = |value: &str| {
        let attribute = MessageAttributeValue::builder().data_type("String");
        attribute.string_value(value).build()
    };
    Ok(SendMessageBatchRequestEntry::builder()
        .id(n.to_string())
        .message_body(&message.payload)
        // shops share the queue, and two shops may use the same sku code
        .message_group_id(format!("{}/{}", message.shop, message.group))
        .message_deduplication_id(&message.id)
        .message_attributes("webhook-id", text(&message.id)?)
        .message_attributes("type", text(&message.kind)?)
        .message_attributes("shop", text(&message.shop)?)
        .build()?)
}

impl outbox::Queue for Announcements {
    fn send<'a>(&'a self, messages: &'a [Message]) -> Sending<'a> {
        Box::pin(self.send_batch(messages))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fifo_queue_will_do() {
        let made = |url: &str| Announcements::new(url.to_owned()).map(drop);
        made("https://sqs.eu-west-1.amazonaws.com/1/outbox.fifo").unwrap();
        let error = made("https://sqs.eu-west-1.amazonaws.com/1/outbox").unwrap_err();
        let error = error.to_string();
        assert!(error.contains("OUTBOX_QUEUE_URL can't be used"), "{error}");
        assert!(error.contains(".fifo"), "{error}");
    }
}
