//! Holds of one sku in shops of several sizes, and a sweep and a purge while the shop sells.

use std::time::{Duration, Instant};

use operations::db::Failure;
use operations::hold;
use operations::sweep::expire;
use tokio::task::{JoinHandle, block_in_place};

use crate::contestant::begin_script;
use crate::figures::{median, progress};
use crate::server::{Failed, Server};
use crate::sweep::{self, SHOPPERS, sweeper};

/// Seconds of a purge. It deletes longer than that.
const PURGE_S: u32 = 20;
/// Days until a hold is purged. Half of the resolved holds are older.
const KEEP_DAYS: i32 = 15;

/// A shop of one size: its database, what is special, and the SQL that makes it so.
struct Size {
    database: &'static str,
    name: &'static str,
    sql: &'static str,
}

const SIZES: [Size; 4] = [
    Size {
        database: "small",
        name: "1,000 active holds of the sku, 10 skus",
        sql: "select bench_hold(1000, now() + interval '1 day');",
    },
    Size {
        database: "held",
        name: "1,000,000 active holds of the sku",
        sql: "select bench_hold(1000000, now() + interval '1 day');",
    },
    Size {
        database: "wide",
        name: "1,000,000 skus",
        sql: "select bench_hold(1000, now() + interval '1 day');
            insert into holdfast.skus (shop, sku, title, price_minor)
            select 'main', 'W' || n, 'A thing', 1000 from generate_series(1, 1000000) n;
            insert into holdfast.stock_levels (shop, sku)
            select 'main', 'W' || n from generate_series(1, 1000000) n;",
    },
    Size {
        database: "old",
        name: "10,000,000 resolved holds",
        sql: "select bench_hold(1000, now() + interval '1 day');
            insert into holdfast.checkouts (shop, checkout_id, customer, status, revision,
                request_hash, expires_at, created_at, ended_at)
            select 'main', ('00000000-0000-6001-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
                'c' || n, 'expired', 1, '\\x00', at, at, at
            from generate_series(1, 2000000) n
                cross join lateral (select now() - interval '30 days' + n * interval '1 s' as at) t;
            insert into holdfast.holds (shop, checkout_id, generation, sku, quantity, price_minor,
                status, expires_at, created_at, resolved_at)
            select c.shop, c.checkout_id, 1, sku, 1, 1000, 'expired', c.ended_at, c.ended_at,
                c.ended_at
            from holdfast.checkouts c cross join unnest('{HOT,O1,O2,O3,O4}'::text[]) sku
            where c.status = 'expired';",
    },
];

/// Holds as checkout_begin writes them, and the rest of a small catalogue.
const PREPARE: &str = "
    insert into holdfast.skus (shop, sku, title, price_minor)
    select 'main', 'O' || n, 'A thing', 1000 from generate_series(1, 9) n;
    insert into holdfast.stock_levels (shop, sku)
    select 'main', 'O' || n from generate_series(1, 9) n;
    create function bench_hold(p_number integer, p_until timestamptz) returns void
    language sql as $$
        insert into holdfast.checkouts (shop, checkout_id, customer, revision, request_hash,
            expires_at, created_at)
        select 'main', ('00000000-0000-6000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'c' || n, 1,
            '\\x00', p_until + n * interval '1 ms', now()
        from generate_series(1, p_number) n;
        insert into holdfast.holds (shop, checkout_id, generation, sku, quantity, price_minor,
            expires_at, created_at)
        select c.shop, c.checkout_id, 1, 'HOT', 1, 1000, c.expires_at, c.created_at
        from holdfast.checkouts c where c.ended_at is null;
        update holdfast.stock_levels set held = p_number, version = version + 1 where sku = 'HOT';
    $$;";

/// Makes the databases, measures holds in turns, then a sweep and a purge while the shop sells.
pub(crate) async fn run(seconds: u32, rounds: u32) -> Result<(), Failed> {
    let server = Server::start(false, None).await?;
    for size in &SIZES {
        progress(&format!("making {}", size.name));
        let create = format!("create database {} template postgres", size.database);
        server.cluster.execute("postgres", &create)?;
        let make = format!(
            "set session_replication_role = replica; {PREPARE} {}",
            size.sql
        );
        server.cluster.execute(size.database, &make)?;
        server.cluster.execute(size.database, "vacuum analyze")?;
    }
    let mut measured: Vec<Vec<f64>> = SIZES.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds {
        for (size, into) in SIZES.iter().zip(&mut measured) {
            progress(&format!("round {round} of {rounds}: {}", size.name));
            server.cluster.execute(size.database, "checkpoint")?;
            let script = begin_script();
            let holds = server.measure_in(size.database, &script, "", SHOPPERS, seconds)?;
            into.push(holds.per_second);
        }
    }
    progress("");
    println!("One hot sku, {SHOPPERS} connections, medians of {rounds} rounds of {seconds} s");
    let small = median(&measured[0]);
    for (size, rounds) in SIZES.iter().zip(&measured) {
        let median = median(rounds);
        let ratio = median / small;
        println!(
            "  {:<42}{median:>8.0} holds a second{ratio:>8.2}",
            size.name
        );
    }
    swept(&server).await?;
    purged(&server).await
}

/// A sweep of a million due holds, beside begins of the same sku.
async fn swept(server: &Server) -> Result<(), Failed> {
    let due = "set session_replication_role = replica;
        update holdfast.checkouts set expires_at = now() - interval '1 s' where ended_at is null;
        update holdfast.holds set expires_at = now() - interval '1 s' where status = 'active'";
    server.cluster.execute("held", due)?;
    server.cluster.execute("held", "vacuum analyze")?;
    let quiet = begins(server, "held", PURGE_S)?;
    let db = sweeper(server, "held")?;
    let sweeping = tokio::spawn(async move {
        let (began, mut expired) = (Instant::now(), 0);
        loop {
            let batch = expire(&db, "main", &[]).await?;
            expired += batch.expired;
            if batch.expired == 0 {
                return Ok::<_, Failure>((expired, began.elapsed()));
            }
        }
    });
    let (mut busy, mut worst) = (Vec::new(), 0.0_f64);
    while !sweeping.is_finished() {
        let p99 = begins(server, "held", 5)?;
        worst = worst.max(p99);
        busy.push(p99);
    }
    let (expired, took) = sweeping.await??;
    println!(
        "\nA sweep of {expired} due holds of the sku: {:.0} s, {:.0} a second; begins' p99 \
         beside it {:.1} ms, at worst {worst:.1} ms in five seconds; without it {quiet:.1} ms",
        took.as_secs_f64(),
        f64::from(expired) / took.as_secs_f64(),
        median(&busy)
    );
    Ok(())
}

/// A purge of a journal of ten million holds, beside begins.
async fn purged(server: &Server) -> Result<(), Failed> {
    let quiet = begins(server, "old", PURGE_S)?;
    let db = sweeper(server, "old")?;
    let purging: JoinHandle<Result<_, Failure>> = tokio::spawn(async move {
        let (began, mut purged) = (Instant::now(), 0);
        while began.elapsed() < Duration::from_secs(PURGE_S.into()) {
            purged += hold::purge(&db, "main", KEEP_DAYS).await?;
        }
        Ok((purged, began.elapsed()))
    });
    let busy = begins(server, "old", PURGE_S)?;
    let (purged, took) = purging.await??;
    println!(
        "A purge of resolved holds for {PURGE_S} s: {:.0} a second; begins' p99 beside it \
         {busy:.1} ms; without it {quiet:.1} ms",
        f64::from(purged) / took.as_secs_f64()
    );
    Ok(())
}

/// The p99 of begins at a steady rate, in milliseconds.
fn begins(server: &Server, database: &str, seconds: u32) -> Result<f64, Failed> {
    block_in_place(|| sweep::p99_ms(sweep::begins(server, database, seconds)?))
}
