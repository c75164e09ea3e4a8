//! The setting `GATEWAYS`: each shop's accounts at its gateways, as JSON: `{"<shop>": {"stripe":
//! {"base_url", "secret_key", "return_url"?}, "cashfree": {"base_url", "client_id",
//! "client_secret"}, "razorpay": {"base_url", "key_id", "key_secret"}}}`. With `"live": false` an
//! account is of the test mode.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use operations::ids::Shop;
use operations::payment::Gateway;
use reqwest::Url;
use serde::Deserialize;

use crate::http::{CallLimits, Http};
use crate::{Api, GatewayError, cashfree, razorpay, stripe};

/// `GATEWAYS` is invalid. The message never quotes it, because it contains secrets.
#[derive(Debug, thiserror::Error)]
#[error("GATEWAYS can't be used: {0}")]
pub struct InvalidGateways(String);

impl InvalidGateways {
    /// The reason, without the setting's name.
    #[must_use]
    pub fn reason(self) -> String {
        self.0
    }
}

/// All accounts of a deployment.
// No Debug: it must not be possible to log a secret by mistake.
#[derive(Default)]
pub struct Gateways {
    accounts: BTreeMap<(String, Gateway), Box<dyn Api>>,
}

/// A shop's accounts, as in `GATEWAYS`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShopAccounts {
    cashfree: Option<cashfree::Account>,
    stripe: Option<stripe::Account>,
    razorpay: Option<razorpay::Account>,
}

impl Gateways {
    /// Parses the text of `GATEWAYS`.
    ///
    /// # Errors
    /// [`InvalidGateways`], which never quotes the text.
    pub fn parse(text: &str, limits: CallLimits) -> Result<Self, InvalidGateways> {
        let shops: BTreeMap<String, ShopAccounts> =
            serde_json::from_str(text).map_err(|error| {
                // serde may quote a value, and the value may be a secret
                let (line, column) = (error.line(), error.column());
                InvalidGateways(format!(
                    "it is not JSON of the expected shape, at line {line}, column {column}"
                ))
            })?;
        let client = reqwest::Client::builder()
            .connect_timeout(limits.connect)
            .timeout(limits.answer)
            // a gateway's API does not redirect, and credentials must not go elsewhere
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| InvalidGateways("no HTTP client can be built".to_owned()))?;
        let mut accounts: BTreeMap<_, Box<dyn Api>> = BTreeMap::new();
        for (shop, of_shop) in shops {
            let invalid = |reason: &str| InvalidGateways(format!("shop {shop:?}: {reason}"));
            let name = shop.parse::<Shop>();
            let name = name.map_err(|_| invalid("is not a shop's code"))?;
            let http = |gateway: Gateway, base_url: &str| {
                let base_url = fit(base_url).map_err(invalid)?;
                Ok(Http::new(client.clone(), gateway, base_url, limits))
            };
            let key = |gateway| (shop.clone(), gateway);
            let wrong_mode =
                |gateway: Gateway, reason: String| invalid(&format!("{gateway}: {reason}"));
            if let Some(account) = of_shop.cashfree {
                account
                    .check_mode()
                    .map_err(|reason| wrong_mode(Gateway::Cashfree, reason))?;
                let http = http(Gateway::Cashfree, &account.base_url)?;
                let shop = name.clone();
                let api = cashfree::Cashfree {
                    http,
                    account,
                    shop,
                };
                accounts.insert(key(Gateway::Cashfree), Box::new(api));
            }
            if let Some(account) = of_shop.stripe {
                account
                    .check_mode()
                    .map_err(|reason| wrong_mode(Gateway::Stripe, reason))?;
                let http = http(Gateway::Stripe, &account.base_url)?;
                let api = stripe::Stripe { http, account };
                accounts.insert(key(Gateway::Stripe), Box::new(api));
            }
            if let Some(account) = of_shop.razorpay {
                account
                    .check_mode()
                    .map_err(|reason| wrong_mode(Gateway::Razorpay, reason))?;
                let http = http(Gateway::Razorpay, &account.base_url)?;
                let api = razorpay::Razorpay { http, account };
                accounts.insert(key(Gateway::Razorpay), Box::new(api));
            }
        }
        Ok(Self { accounts })
    }

    /// The shops that have an account.
    #[must_use]
    pub fn shops(&self) -> Vec<Shop> {
        let mut shops: Vec<Shop> = self
            .accounts
            .keys()
            .filter_map(|(shop, _)| shop.parse().ok())
            .collect();
        shops.dedup();
        shops
    }

    /// The gateways at which a shop has an account.
    #[must_use]
    pub fn at(&self, shop: &Shop) -> Vec<Gateway> {
        let has = |gateway: &Gateway| self.of(shop, *gateway).is_ok();
        Gateway::ALL.into_iter().filter(has).collect()
    }

    /// A shop's account at a gateway.
    ///
    /// # Errors
    /// [`GatewayError::NotConfigured`].
    pub fn of(&self, shop: &Shop, gateway: Gateway) -> Result<&dyn Api, GatewayError> {
        let account = self.accounts.get(&(shop.as_str().to_owned(), gateway));
        account
            .map(Box::as_ref)
            .ok_or(GatewayError::NotConfigured(gateway))
    }
}

impl fmt::Debug for Gateways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.accounts.keys()).finish()
    }
}

/// Accepts a URL that uses TLS or stays on this machine.
fn fit(base_url: &str) -> Result<String, &'static str> {
    let url = Url::parse(base_url).map_err(|_| "a base_url is not a URL")?;
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if url.scheme() != "https" && !(url.scheme() == "http" && here) {
        return Err("a base_url is neither https nor on loopback");
    }
    if !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
        return Err("a base_url has more than a host and a path");
    }
    Ok(base_url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Gateways, String> {
        Gateways::parse(text, CallLimits::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn accounts_are_found_by_shop_and_gateway() {
        let gateways = parse(
            r#"{"dress": {"stripe": {"base_url": "https://api.stripe.com/", "secret_key": "sk"}}}"#,
        )
        .unwrap();
        let shop = |name: &str| name.parse::<Shop>().unwrap();
        assert!(gateways.of(&shop("dress"), Gateway::Stripe).is_ok());
        for (name, gateway) in [("dress", Gateway::Razorpay), ("tour", Gateway::Stripe)] {
            let error = gateways.of(&shop(name), gateway).err();
            assert_eq!(error, Some(GatewayError::NotConfigured(gateway)));
        }
        assert!(!format!("{gateways:?}").contains("sk"));
    }

    #[test]
    fn an_account_of_the_other_mode_is_refused_by_its_shop_gateway_and_field() {
        let of = |gateway: &str, host: &str, key: &str| {
            let (id, secret) = match gateway {
                "stripe" => ("", format!(r#""secret_key": "{key}""#)),
                "razorpay" => (r#""key_secret": "x", "#, format!(r#""key_id": "{key}""#)),
                _ => (
                    r#""client_id": "x", "#,
                    format!(r#""client_secret": "{key}""#),
                ),
            };
            format!(r#"{{"tour": {{"{gateway}": {{"base_url": "https://{host}", {id}{secret}"#)
        };
        let stripe = |key: &str| of("stripe", "api.stripe.com", key);
        let razorpay = |key: &str| of("razorpay", "api.razorpay.com", key);
        let cashfree = |host: &str| of("cashfree", host, "hunter2");
        for (account, is_live, gateway, field) in [
            (stripe("sk_live_hunter2"), true, "stripe", "secret_key"),
            (stripe("rk_live_hunter2"), true, "stripe", "secret_key"),
            (stripe("sk_test_hunter2"), false, "stripe", "secret_key"),
            (stripe("rk_test_hunter2"), false, "stripe", "secret_key"),
            (razorpay("rzp_live_hunter2"), true, "razorpay", "key_id"),
            (razorpay("rzp_test_hunter2"), false, "razorpay", "key_id"),
            (cashfree("api.cashfree.com"), true, "cashfree", "base_url"),
            (
                cashfree("sandbox.cashfree.com"),
                false,
                "cashfree",
                "base_url",
            ),
            (
                cashfree("Sandbox.Cashfree.com"),
                false,
                "cashfree",
                "base_url",
            ),
        ] {
            for (says, live) in [
                ("", true),
                (r#", "live": true"#, true),
                (r#", "live": false"#, false),
            ] {
                let parsed = parse(&format!("{account}{says}}}}}}}"));
                if live == is_live {
                    assert!(parsed.is_ok(), "{account}{says}: {parsed:?}");
                    continue;
                }
                let error = parsed.err().unwrap();
                for word in ["\"tour\"", gateway, field, "mode"] {
                    assert!(error.contains(word), "{account}{says}: {error}");
                }
                assert!(!error.contains("hunter2"), "{error}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_no_secret_with_it() {
        let of = |url: &str, key: &str| {
            format!(r#"{{"dress": {{"stripe": {{"base_url": "{url}", "secret_key": "{key}"}}}}}}"#)
        };
        for (text, expected) in [
            (
                of("http://api.stripe.com", "hunter2"),
                "neither https nor on loopback",
            ),
            (
                of("http://127.0.0.1.evil.example", "hunter2"),
                "neither https nor on loopback",
            ),
            (
                of("https://u@api.stripe.com", "hunter2"),
                "more than a host and a path",
            ),
            (of("api.stripe.com", "hunter2"), "is not a URL"),
            (of("https://api.stripe.com", "hunter2 "), "line 1"),
            (
                of("https://api.stripe.com", "hunter2").replace("dress", "No Shop"),
                "a shop's code",
            ),
            (
                of("https://api.stripe.com", "hunter2").replace("secret_key", "key"),
                "line 1",
            ),
            (r#"["hunter2"]"#.to_owned(), "line 1"),
        ] {
            let error = parse(&text).err().unwrap();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(parse(&of("http://127.0.0.1:8080/stripe", "k")).is_ok());
        assert!(parse(&of("http://[::1]:8080/stripe", "k")).is_ok());
    }
}
