//! A database of years, and the console's way to it.

use local::postgres::Cluster;
use local::roles::CONSOLE;
use tokio_postgres::Client;

use super::list::PAGES;
use crate::combined::pool_at;
use crate::growth;
use crate::server::Failed;
use crate::visitor::Visitor;

/// The shop that has nearly everything.
pub(super) const SHOP: &str = "big";
/// The import of growth/data.sql that has rows: `md5('import0')`.
const IMPORTED: &str = "e3648bd7-5fea-b1ae-150a-bddfd266faca";
pub(super) const DATABASE: &str = "postgres";

/// A database of years, and the console's way to it.
pub(super) struct Console {
    pub(super) cluster: Cluster,
    /// A superuser's session.
    pub(super) owner: Client,
    /// The path of each page of [`PAGES`].
    pub(super) paths: Vec<String>,
}

impl Console {
    pub(super) async fn start(orders: u32) -> Result<Self, Failed> {
        let (cluster, owner) = growth::start(&[("track_functions", "pl")]).await?;
        let mut examples = growth::fill(&owner, orders).await?;
        let tomorrow = "select (now() at time zone 'utc' + interval '1 day')::date::text";
        let tomorrow: String = owner.query_one(tomorrow, &[]).await?.get(0);
        let mut paths = Vec::new();
        for page in PAGES {
            let rest = page.path.replace("{day}", &tomorrow);
            let rest = rest.replace("{imported}", IMPORTED);
            let rest = examples.fill_one(&rest)?;
            let begin = match page.route.starts_with("/console/{shop}") {
                true => format!("/console/{SHOP}"),
                false => String::new(),
            };
            paths.push(begin + &rest);
        }
        Ok(Self {
            cluster,
            owner,
            paths,
        })
    }

    /// The owner at a process of its own, which has one connection.
    pub(super) fn visitor(&self) -> Result<Visitor, Failed> {
        let db = pool_at(&self.cluster.url(CONSOLE, DATABASE), 1)?;
        Visitor::owner(db, SHOP)
    }
}
