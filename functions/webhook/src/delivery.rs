//! A webhook as it came, and what the contract says about it.

use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use holdfast_http::contract::{Description, Input};
use holdfast_http::{JSON, PathParameter as _, Problem, bytes, text};
use lambda_http::RequestExt as _;
use lambda_http::http::HeaderMap;
use operations::ids::Shop;
use utoipa::ToSchema;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::server::{Server, ServerBuilder, ServerVariableBuilder};

/// Bytes of a body. Gateways send a few kilobytes. In base64 the limit stays below SQS's 1 MiB.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// A webhook as it came. Nothing of it is verified. `G` is its [`Sender`].
pub(crate) struct Delivery<G> {
    /// The shop of the path, which may not exist.
    pub(crate) shop: String,
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    /// The trace header of the request.
    pub(crate) trace: Option<String>,
    of: PhantomData<fn() -> G>,
}

impl<G, S: Send + Sync> FromRequest<S> for Delivery<G> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        Ok(Self {
            shop: text(&mut parts, state, Shop::NAME).await,
            trace: parts.lambda_context().xray_trace_id,
            headers: std::mem::take(&mut parts.headers),
            raw: bytes(Request::from_parts(parts, body), BODY_BYTES_MAX).await?,
            of: PhantomData,
        })
    }
}

/// The webhooks of one gateway, for the contract.
pub(crate) trait Sender {
    /// A field for each header that Holdfast reads.
    type Headers: ToSchema;
    /// The fields of the body that Holdfast reads.
    type Body: ToSchema;
    /// What the body is.
    const BODY: &'static str;
    /// Which verified webhooks are refused. `None`: none.
    const REFUSED: Option<&'static str> = None;
}

impl<G: Sender> Input for Delivery<G> {
    // It takes what a gateway adds, and reads none of it.
    const TAKES_QUERY: bool = true;

    fn describe(to: &mut Description) {
        to.operation.servers = Some(servers());
        to.operation.security = Some(Vec::new());
        to.path_parameter::<Shop>();
        to.fields::<G::Headers>(ParameterIn::Header);
        if let Some(refused) = G::REFUSED {
            to.invalid_request_when(refused);
        }
        let body = to.schema::<G::Body>();
        to.body_about = Some(G::BODY);
        to.raw_body(true, vec![(JSON, body)]);
    }
}

/// Webhooks do not come through API Gateway.
fn servers() -> Vec<Server> {
    let host = ServerVariableBuilder::new().default_value("webhook.example.com");
    vec![
        ServerBuilder::new()
            .url("https://{host}")
            .description(Some(
                "The function URL of a deployment: output `WebhookUrl` of its stack",
            ))
            .parameter("host", host)
            .build(),
        ServerBuilder::new()
            .url("http://127.0.0.1:8788")
            .description(Some("The local stack"))
            .build(),
    ]
}
