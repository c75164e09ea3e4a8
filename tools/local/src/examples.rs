//! What `up` prints: the addresses, and calls that work when they are pasted.

use local::Stack;
use local::stack::{DATABASE, OWNER, SHOPS, demo_secret};

/// Each of these lines is pasted as it stands, top to bottom.
const TEMPLATE: &str = r#"
Holdfast is up.

  API       {api}/v1/shops/{shop}
  webhooks  {webhook}/v1/shops/{shop}/webhooks/cashfree
  database  {psql} '{database}'
  logs      {logs}
  shops     dress (wedding wear), tour (seats of departures)

Try it: paste these lines, from top to bottom.

# What is there? One dress, one departure.
curl -s '{api}/v1/shops/dress/availability?skus=LEHENGA-RED-M,SAREE-GOLD'; echo
curl -s '{api}/v1/shops/tour/availability?skus=GOA-2026-12-24'; echo

# Hold a dress for 20 minutes. The id is yours; sending it again changes nothing.
CHECKOUT={api}/v1/shops/dress/checkouts/{checkout_id}
curl -s -X PUT "$CHECKOUT" -H 'content-type: application/json' -d '{"customer":"asha","lines":[{"sku":"LEHENGA-RED-M","quantity":1}]}'; echo

# Order it. The payment's reference and amount go to the gateway.
ORDER=$(curl -s -X POST "$CHECKOUT/order" -H 'content-type: application/json' -d '{"payment_method":"online","coupon":"WEDDING10"}'); echo "$ORDER"
REFERENCE=$(echo "$ORDER" | sed -E 's/.*"reference":"([^"]+)".*/\1/'); AMOUNT=$(echo "$ORDER" | sed -E 's/.*"amount_minor":([0-9]+)([0-9]{2}).*/\1.\2/')

# The gateway says that it is paid: a signed webhook, as Cashfree sends it.
BODY='{"type":"PAYMENT_SUCCESS_WEBHOOK","event_time":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'","data":{"order":{"order_id":"'$REFERENCE'","order_amount":'$AMOUNT',"order_currency":"INR","order_tags":null},"payment":{"cf_payment_id":"'$(date +%s)'","payment_status":"SUCCESS","payment_amount":'$AMOUNT',"payment_currency":"INR"}}}'
NOW=$(date +%s)000; SIGNATURE=$(printf '%s%s' "$NOW" "$BODY" | openssl dgst -sha256 -hmac '{secret}' -binary | base64)
curl -s -X POST '{webhook}/v1/shops/dress/webhooks/cashfree' -H "x-webhook-signature: $SIGNATURE" -H "x-webhook-timestamp: $NOW" -H 'x-webhook-version: 2025-01-01' -H 'content-type: application/json' -d "$BODY"; echo

# Paid, and one dress fewer.
sleep 1; curl -s "$CHECKOUT/order"; echo
{psql} '{database}' -c 'select sku, on_hand, held from holdfast.stock_levels where sku = $$LEHENGA-RED-M$$'

# A dispatcher books three seats, paid at the desk.
curl -s -X PUT {api}/v1/shops/tour/checkouts/{booking_id} -H 'content-type: application/json' -d '{"customer":"desk-1","lines":[{"sku":"GOA-2026-12-24","quantity":3}]}'; echo
curl -s -X POST {api}/v1/shops/tour/checkouts/{booking_id}/order -H 'content-type: application/json' -d '{"payment_method":"offline"}'; echo

# The sweeper runs by itself; this runs it now. No violation: every promise is kept.
curl -s -X POST {api}/2015-03-31/functions/holdfast-sweeper/invocations; echo

Ctrl-C stops everything; its data goes with it."#;

pub(crate) fn text(stack: &Stack) -> String {
    let id = || uuid::Uuid::now_v7().to_string();
    let values = [
        ("{api}", stack.api_url.clone()),
        ("{webhook}", stack.webhook_url.clone()),
        ("{shop}", SHOPS[0].to_owned()),
        ("{secret}", demo_secret(SHOPS[0])),
        ("{psql}", psql(stack)),
        ("{database}", stack.cluster.url(OWNER, DATABASE)),
        ("{logs}", stack.logs.display().to_string()),
        ("{checkout_id}", id()),
        ("{booking_id}", id()),
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
