//! `holdfast bench`: how fast one hot sku can be held and paid, beside its rivals.
//!
//! All contestants run in turns, several rounds each. Read the medians and their ratios: other
//! programs run on the machine, too.

mod args;
mod cluster;
mod cold;
mod combined;
mod comparison;
mod contestant;
mod cpu;
mod figures;
pub mod growth;
mod page;
pub mod pages;
mod payments;
mod redis;
mod report;
mod rush;
mod server;
mod singles;
mod sizes;
mod sizing;
mod sweep;
pub mod visitor;

use server::Failed;

pub use args::Args;

/// Measures and prints. Returns whether the bars of `--require` were reached.
///
/// # Errors
/// When something could not be measured, or a promise is broken.
pub async fn run(args: &Args) -> Result<bool, Failed> {
    if let Some(shoppers) = args.rush {
        rush::run(shoppers, args.sessions).await?;
        return Ok(true);
    }
    if args.cold {
        cold::run(args.against.as_deref()).await?;
        return Ok(true);
    }
    if let Some(orders) = args.growth {
        return growth::run(orders, &args.plans).await;
    }
    if let Some(orders) = args.pages {
        return pages::run(&pages::Options {
            orders,
            times: args.times,
            within_ms: args.within_ms,
            watchers: args.watchers,
        })
        .await;
    }
    if args.sweep {
        sweep::run(args.against.as_deref(), args.rounds).await?;
        return Ok(true);
    }
    if args.sizes {
        sizes::run(args.seconds, args.rounds).await?;
        return Ok(true);
    }
    if args.cluster {
        cluster::run(args.fast_commits, args.seconds, args.rounds).await?;
        return Ok(true);
    }
    if args.single_calls {
        singles::run(args).await?;
        return Ok(true);
    }
    let reached = comparison::run(args).await?;
    Ok(reached || !args.require)
}
