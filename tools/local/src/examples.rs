//! What `up` prints: the addresses, and lines to paste.

use crate::stack::DATABASE;
use crate::{Stack, roles};

const TEMPLATE: &str = include_str!("examples.txt");

pub(crate) fn text(stack: &Stack) -> String {
    let values = [
        ("{api}", stack.api_url.clone()),
        ("{webhook}", stack.webhook_url.clone()),
        ("{gateways}", stack.gateways_url.clone()),
        ("{sqs}", stack.sqs_endpoint.clone()),
        ("{outbox}", stack.outbox_queue_url.clone()),
        ("{admin_token}", stack.admin_token.clone()),
        ("{psql}", psql(stack)),
        ("{database}", stack.database_url()),
        ("{readonly}", stack.url(roles::READONLY, DATABASE)),
        ("{logs}", stack.logs.folder.display().to_string()),
    ];
    let fill = |text: String, (name, value): &(&str, String)| text.replace(name, value);
    values.iter().fold(TEMPLATE.to_owned(), fill)
}

/// The one in PATH if it works (Debian has a `psql` that only says which package lacks); else the
/// one beside the server.
fn psql(stack: &Stack) -> String {
    let works = std::process::Command::new("psql")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if works {
        return String::from("psql");
    }
    stack.cluster.bin().join("psql").display().to_string()
}
