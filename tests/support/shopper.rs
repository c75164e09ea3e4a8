//! A shopper at the shared stack, with a sku of its own.

use local::postgres::SUPERUSER;
use local::stack::DATABASE;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::http::{Answer, Call};
use crate::stack::{STACK, add, checkout_environment, level, owner, sku};

/// The target of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// The HTTP API of the stack: `SHOPS=*`, `OFFLINE_PAYMENT=allow`.
    Api,
    /// A function of the host, by name.
    Function(&'static str),
}

/// A checkout function for the shop `dress` only, with defaults elsewhere.
pub async fn guarded() -> To {
    static ADDED: OnceCell<()> = OnceCell::const_new();
    let mut environment = checkout_environment(&STACK);
    environment.push(("SHOPS", "dress".to_owned()));
    added(&ADDED, "checkout-guarded", environment).await
}

/// A checkout function behind a front that proves itself with a secret.
pub async fn behind_a_front() -> To {
    static ADDED: OnceCell<()> = OnceCell::const_new();
    let mut environment = checkout_environment(&STACK);
    let secrets = r#"{"current": "hunter2-hunter2-hunter2-hunter2-hunter2"}"#;
    environment.push(("SHOPS", "dress".to_owned()));
    environment.push(("ORIGIN_SECRET", secrets.to_owned()));
    added(&ADDED, "checkout-behind-a-front", environment).await
}

/// A checkout function whose database cannot be reached.
pub async fn without_database() -> To {
    static ADDED: OnceCell<()> = OnceCell::const_new();
    let environment = vec![
        (
            "DATABASE_URL",
            "postgresql://holdfast_checkout@%2Fnowhere/holdfast".to_owned(),
        ),
        ("DATABASE_TLS", "off".to_owned()),
        ("SHOPS", "*".to_owned()),
    ];
    added(&ADDED, "checkout-without-database", environment).await
}

/// A checkout function whose database has no schema, as after a deployment without a migration.
pub async fn without_schema() -> To {
    static ADDED: OnceCell<()> = OnceCell::const_new();
    let environment = vec![
        (
            "DATABASE_URL",
            STACK.url(local::roles::CHECKOUT, "postgres"),
        ),
        ("DATABASE_TLS", "off".to_owned()),
        ("SHOPS", "*".to_owned()),
    ];
    added(&ADDED, "checkout-without-schema", environment).await
}

/// A checkout function whose accounts of the shop `dress` are useless: Stripe refuses the key, and
/// Razorpay does not answer.
pub async fn with_useless_gateways() -> To {
    static ADDED: OnceCell<()> = OnceCell::const_new();
    let accounts = json!({ "dress": {
        "stripe": {
            "base_url": format!("{}/stripe", STACK.gateways_url), "secret_key": "wrong",
            "live": false,
        },
        "razorpay": {
            "base_url": "http://127.0.0.1:9", "key_id": "k", "key_secret": "s", "live": false,
        },
    } });
    let mut environment = checkout_environment(&STACK);
    environment.push(("SHOPS", "dress".to_owned()));
    environment.push(("GATEWAYS", accounts.to_string()));
    added(&ADDED, "checkout-useless-gateways", environment).await
}

async fn added(
    once: &OnceCell<()>,
    name: &'static str,
    environment: Vec<(&'static str, String)>,
) -> To {
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    once.get_or_init(|| add(&STACK, name, local::functions::CHECKOUT, &environment))
        .await;
    To::Function(name)
}

/// Sends a call to a target.
pub async fn send(to: To, call: &Call) -> Answer {
    match to {
        To::Api => call.to(&STACK.api_url).await,
        To::Function(name) => call.invoke(&STACK.host, name).await,
    }
}

/// One shopper with one sku that nobody else buys.
pub struct Shopper {
    /// A superuser's connection to the stack's database.
    pub owner: Client,
    /// The target of its calls.
    pub to: To,
    /// The shop.
    pub shop: &'static str,
    /// The sku, at 100.00.
    pub sku: String,
    /// The checkout that [`Self::begin`] begins.
    pub id: Uuid,
}

impl Shopper {
    /// At the HTTP API, in the shop `dress`.
    pub async fn new(units: i32) -> Self {
        Self::at(To::Api, units).await
    }

    /// At a function.
    pub async fn at(to: To, units: i32) -> Self {
        let owner = owner(&STACK).await;
        let sku = sku(&owner, "dress", units).await;
        Self {
            owner,
            to,
            shop: "dress",
            sku,
            id: Uuid::now_v7(),
        }
    }

    /// The path of the checkout, with `rest` behind it.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/shops/{}/checkouts/{}{rest}", self.shop, self.id)
    }

    /// A cart of so many units.
    pub fn cart(&self, quantity: i64) -> Value {
        json!({ "customer": "c-1", "lines": [{ "sku": self.sku, "quantity": quantity }] })
    }

    /// Sends a call.
    pub async fn send(&self, call: Call) -> Answer {
        send(self.to, &call).await
    }

    /// PUT of any body.
    pub async fn put(&self, body: &Value) -> Answer {
        self.send(Call::new("PUT", &self.path("")).json(body)).await
    }

    /// The call that begins this shopper's checkout of one unit.
    pub fn begin_call(&self) -> Call {
        Call::new("PUT", &self.path("")).json(&self.cart(1))
    }

    /// A checkout that must be held.
    pub async fn begin(&self, quantity: i64) -> Value {
        self.put(&self.cart(quantity)).await.ok(201).clone()
    }

    /// POST of an order.
    pub async fn order(&self, body: &Value) -> Answer {
        self.send(Call::new("POST", &self.path("/order")).json(body))
            .await
    }

    /// An online order that must be made.
    pub async fn ordered(&self) -> Value {
        let body = json!({ "payment_method": "online" });
        self.order(&body).await.ok(201).clone()
    }

    /// GET of the order.
    pub async fn read_order(&self) -> Answer {
        self.send(Call::new("GET", &self.path("/order"))).await
    }

    /// GET of the checkout.
    pub async fn read(&self) -> Answer {
        self.send(Call::new("GET", &self.path(""))).await
    }

    /// DELETE of the checkout.
    pub async fn release(&self) -> Answer {
        self.send(Call::new("DELETE", &self.path(""))).await
    }

    /// on_hand and held of the sku.
    pub async fn level(&self) -> (i32, i32) {
        level(&self.owner, self.shop, &self.sku).await
    }

    /// Moves the checkout's beginning and its end into the past.
    pub async fn age(&self, began_s_ago: i32, ended_s_ago: i32) {
        let age = "with checkout as (
                update holdfast.checkouts
                set created_at = now() - make_interval(secs => $2),
                    expires_at = now() - make_interval(secs => $3)
                where checkout_id = $1 returning shop, checkout_id, expires_at)
            update holdfast.holds h set expires_at = c.expires_at from checkout c
            where h.shop = c.shop and h.checkout_id = c.checkout_id and h.status = 'active'";
        let (began, ended) = (f64::from(began_s_ago), f64::from(ended_s_ago));
        self.owner
            .execute(age, &[&self.id, &began, &ended])
            .await
            .unwrap();
    }

    /// Another shopper for the same sku.
    pub async fn rival(&self) -> Self {
        Self {
            owner: crate::connect(&STACK.cluster.url(SUPERUSER, DATABASE)).await,
            to: self.to,
            shop: self.shop,
            sku: self.sku.clone(),
            id: Uuid::now_v7(),
        }
    }
}
