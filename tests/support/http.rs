//! Calls of the functions, over HTTP or by Lambda's Invoke. Every answer is held against
//! openapi.yaml before a test sees it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use local::{Host, InvokeError};
use serde_json::{Map, Value, json};

use crate::contract::CONTRACT;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body as JSON.
    pub body: Value,
}

impl Answer {
    /// The problem's code, or an empty text.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Asserts the status and the code of a problem.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code()), (status, code), "{self:#?}");
        self
    }

    /// Asserts that the request is refused for this field.
    #[track_caller]
    pub fn names(&self, field: &str) -> &Self {
        let errors = &self.refused(400, "invalid_request").body["errors"];
        assert_eq!(errors[0]["field"], field, "{errors}");
        self
    }

    /// Asserts the status of an answer that is no problem; returns its body.
    #[track_caller]
    pub fn ok(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{self:#?}");
        &self.body
    }

    /// The value of `x-request-id`.
    pub fn request_id(&self) -> &str {
        &self.headers["x-request-id"]
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    claims: Option<Value>,
    iam_arn: Option<String>,
    base64: bool,
}

impl Call {
    /// A request without body; `path` may carry a query.
    pub fn new(method: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            claims: None,
            iam_arn: None,
            base64: false,
        }
    }

    /// Sends the same request to another path.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    /// Sets any bytes as a body of type JSON.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", "application/json")
    }

    /// Sets any bytes as a body without a type.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the customer, as a storefront's own server does.
    #[must_use]
    pub fn customer(self, customer: &str) -> Self {
        self.header("x-holdfast-customer", customer)
    }

    /// Sets the claims of a token, as API Gateway's JWT authorizer passes them on (Invoke only).
    #[must_use]
    pub fn claims(mut self, claims: Value) -> Self {
        self.claims = Some(claims);
        self
    }

    /// Sets an IAM identity, as API Gateway passes it on (Invoke only).
    #[must_use]
    pub fn iam(mut self, arn: &str) -> Self {
        self.iam_arn = Some(arn.to_owned());
        self
    }

    /// Sends the body in base64, as a function URL passes on binary bodies (Invoke only).
    #[must_use]
    pub fn in_base64(mut self) -> Self {
        self.base64 = true;
        self
    }

    /// Sends the call over HTTP to the stack.
    pub async fn to(&self, base_url: &str) -> Answer {
        self.try_to(base_url).await.unwrap()
    }

    /// As [`Self::to`]; an error where no answer came.
    pub async fn try_to(&self, base_url: &str) -> Result<Answer, reqwest::Error> {
        let url = format!("{base_url}{}{}", self.path, self.query_with_mark());
        let method = self.method.parse().unwrap();
        let mut request = reqwest::Client::new().request(method, url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = request.body(self.body.clone()).send().await?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let text = answer.text().await?;
        Ok(self.checked(status, headers, &text))
    }

    /// Invokes a function of the host, as API Gateway or a function URL does.
    pub async fn invoke(&self, host: &Host, function: &str) -> Answer {
        self.try_invoke(host, function).await.unwrap()
    }

    /// As [`Self::invoke`]; an error where the function gave no answer.
    pub async fn try_invoke(&self, host: &Host, function: &str) -> Result<Answer, InvokeError> {
        let payload = self.event().to_string().into_bytes();
        let answer = host.invoke(function, payload).await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let headers = answer["headers"].as_object().cloned().unwrap_or_default();
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
            .collect();
        let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
        Ok(self.checked(status, headers, answer["body"].as_str().unwrap_or_default()))
    }

    pub(crate) fn checked(
        &self,
        status: u16,
        headers: BTreeMap<String, String>,
        text: &str,
    ) -> Answer {
        if self.method == "HEAD" {
            assert_eq!(text, "", "HEAD {}: an answer has no body", self.path);
            return Answer {
                status,
                headers,
                body: Value::Null,
            };
        }
        let is_json = headers
            .get("content-type")
            .is_none_or(|kind| kind.ends_with("json"));
        let body = if is_json {
            serde_json::from_str(text).unwrap_or_else(|error| {
                panic!("{} {}: {error}: {status} {text}", self.method, self.path)
            })
        } else {
            Value::from(text)
        };
        let answer = Answer {
            status,
            headers,
            body,
        };
        CONTRACT.check(&self.method, &self.path, &answer);
        answer
    }

    /// Payload format 2.0.
    pub(crate) fn event(&self) -> Value {
        let mut context = json!({
            "accountId": "000000000000", "apiId": "local", "domainName": "local",
            "stage": "$default", "domainPrefix": "local", "requestId": "r", "routeKey": "$default",
            "time": "21/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_255_200_000_u64,
            "http": {
                "method": self.method, "path": self.path, "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "test",
            },
        });
        if let Some(claims) = &self.claims {
            context["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
        }
        if let Some(arn) = &self.iam_arn {
            context["authorizer"] = json!({ "iam": { "userArn": arn, "accountId": "0" } });
        }
        let headers: Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let text = std::str::from_utf8(&self.body)
            .ok()
            .filter(|_| !self.base64);
        let body = text.map_or_else(|| STANDARD.encode(&self.body), str::to_owned);
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": self.path,
            "rawQueryString": self.query, "headers": headers, "requestContext": context,
            "body": body, "isBase64Encoded": text.is_none(),
        })
    }

    fn query_with_mark(&self) -> String {
        if self.query.is_empty() {
            String::new()
        } else {
            format!("?{}", self.query)
        }
    }
}
