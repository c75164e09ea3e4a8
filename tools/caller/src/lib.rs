//! How a tool proves to a deployment who calls: with a bearer token, or as an AWS identity that
//! signs each request (SigV4).

mod identity;

use reqwest::{Request, RequestBuilder};
use url::Url;

pub use identity::{causes, no_credentials, sdk_config};

use crate::identity::Identity;

/// A caller of one deployment.
#[derive(Debug)]
pub enum Caller {
    Nobody,
    Token(String),
    Identity(Box<Identity>),
}

impl Caller {
    /// With a token, its bearer. Otherwise the AWS identity of the environment, if a region is
    /// given or the URL is API Gateway's own. An own domain does not say its region.
    #[must_use]
    pub fn new(url: &str, token: Option<&str>, region: Option<&str>) -> Self {
        let own = region_of(url);
        match (token, region.or(own.as_deref())) {
            (Some(token), _) => Self::Token(token.to_owned()),
            (None, Some(name)) => Self::Identity(Box::new(Identity::new(name, region.is_some()))),
            (None, None) => Self::Nobody,
        }
    }

    /// The request, with the proof. A signature is for minutes: prove each attempt anew.
    ///
    /// # Errors
    /// When the request is malformed, or there are no credentials to sign it with.
    pub async fn prove(&self, request: RequestBuilder) -> Result<Request, String> {
        let built = |request: RequestBuilder| request.build().map_err(|error| causes(&error));
        match self {
            Self::Nobody => built(request),
            Self::Token(token) => built(request.bearer_auth(token)),
            Self::Identity(identity) => identity.prove(built(request)?).await,
        }
    }
}

/// The region in the host of an HTTP API: `<id>.execute-api.<region>.amazonaws.com`.
fn region_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let mut labels = url.host_str()?.split('.').skip(1);
    let is_api = labels.next() == Some("execute-api");
    let region = labels.next().filter(|_| is_api)?;
    let domain: Vec<&str> = labels.collect();
    let is_aws = domain == ["amazonaws", "com"] || domain == ["amazonaws", "com", "cn"];
    is_aws.then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_api_gateways_own_url_is_known() {
        for (url, region) in [
            (
                "https://a1b2.execute-api.eu-west-1.amazonaws.com",
                Some("eu-west-1"),
            ),
            (
                "https://a1.execute-api.cn-north-1.amazonaws.com.cn/x",
                Some("cn-north-1"),
            ),
            ("https://a1b2.execute-api.eu-west-1.example.com", None),
            ("https://shop.example", None),
            ("http://127.0.0.1:8787", None),
            ("no url", None),
        ] {
            assert_eq!(region_of(url).as_deref(), region, "{url}");
        }
    }

    #[test]
    fn a_token_is_preferred_and_an_own_domain_needs_a_region() {
        let api = "https://a1b2.execute-api.eu-west-1.amazonaws.com";
        let own = "https://api.shop.example";
        assert!(matches!(
            Caller::new(api, Some("t"), None),
            Caller::Token(_)
        ));
        assert!(matches!(Caller::new(api, None, None), Caller::Identity(_)));
        assert!(matches!(Caller::new(own, None, None), Caller::Nobody));
        let named = Caller::new(own, None, Some("eu-west-1"));
        assert!(matches!(named, Caller::Identity(_)));
    }

    #[tokio::test]
    async fn a_bearer_sends_its_token_and_nobody_sends_nothing() {
        let client = reqwest::Client::new();
        let proved = async |caller: Caller| {
            let request = caller.prove(client.get("http://127.0.0.1/x")).await;
            let request = request.unwrap();
            let header = request.headers().get("authorization").cloned();
            header.map(|value| value.to_str().unwrap().to_owned())
        };
        let bearer = proved(Caller::Token("abc".to_owned())).await;
        assert_eq!(bearer.as_deref(), Some("Bearer abc"));
        assert_eq!(proved(Caller::Nobody).await, None);
    }
}
