//! The stack's control API on loopback: a rehearsal breaks the stack by it.
//!
//! | call | does |
//! |---|---|
//! | `POST /database/stop` | ends PostgreSQL at once; its data stays |
//! | `POST /database/start` | starts it on its data; answers when it accepts connections |
//! | `GET /queues` | counts messages and dead letters: `{"waiting": 0, "dead": 0}` |

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::postgres::Cluster;
use crate::queue::Queue;

pub(crate) fn router(cluster: &Arc<Cluster>, queue: &Queue) -> Router {
    let database = Router::new()
        .route("/database/stop", post(stop))
        .route("/database/start", post(start))
        .with_state(Arc::clone(cluster));
    Router::new()
        .route("/queues", get(queues))
        .with_state(queue.clone())
        .merge(database)
}

async fn stop(State(cluster): State<Arc<Cluster>>) -> Response {
    tracing::info!("PostgreSQL was stopped by the control API");
    match tokio::task::spawn_blocking(move || cluster.interrupt()).await {
        Ok(()) => Json(json!({})).into_response(),
        Err(error) => failed(&error),
    }
}

async fn start(State(cluster): State<Arc<Cluster>>) -> Response {
    let started = tokio::task::spawn_blocking(move || cluster.start_again()).await;
    match started {
        Ok(Ok(())) => {
            tracing::info!("PostgreSQL runs again");
            Json(json!({})).into_response()
        }
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

async fn queues(State(queue): State<Queue>) -> Response {
    match queue.depths().await {
        Ok((waiting, dead)) => Json(json!({ "waiting": waiting, "dead": dead })).into_response(),
        Err(detail) => failed(&detail),
    }
}

fn failed(why: &dyn std::fmt::Display) -> Response {
    let body = Json(json!({ "error": why.to_string() }));
    (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
}
