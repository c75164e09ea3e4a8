//! What a rehearsal may do to the stack, over HTTP on loopback.
//!
//! | call | does |
//! |---|---|
//! | `POST /database/stop` | ends PostgreSQL at once, whatever it is at; its data stays |
//! | `POST /database/start` | starts it on its data; answers when it takes connections |
//! | `GET /queues` | messages that wait, and dead letters: `{"waiting": 0, "dead": 0}` |

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use crate::Error;
use crate::gateway::{self, Serving};
use crate::postgres::Cluster;
use crate::queue::Queue;
use crate::stopping::Stopping;

pub(crate) fn serve(
    listener: TcpListener,
    cluster: &Arc<Cluster>,
    queue: &Queue,
    stopping: Stopping,
) -> Result<Serving, Error> {
    let database = Router::new()
        .route("/database/stop", post(stop))
        .route("/database/start", post(start))
        .with_state(Arc::clone(cluster));
    let router = Router::new()
        .route("/queues", get(queues))
        .with_state(queue.clone())
        .merge(database);
    gateway::serve(listener, router, stopping)
}

async fn stop(State(cluster): State<Arc<Cluster>>) -> Response {
    tracing::info!("PostgreSQL is stopped, as asked for");
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
