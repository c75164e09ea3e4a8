//! A clerk with files: stages and applies them through the operations, in the admin's role.

use std::time::Duration;

use operations::db::Database;
use operations::ids::ImportId;
use operations::import::{
    self, Apply, ApplyError, Filter, Mode, Progress, Report, Row, StageError, Staged,
};
use operations::quantity::{ExportLimit, Percent, ReportLimit};
use operations::sku;
use uuid::Uuid;

use crate::clerk::ADMIN;
use crate::{CLUSTER, MAIN, TestDb, pool, shop};

/// The clerk of the imports.
pub const CLERK: &str = "clerk-1";
/// Time for one call.
pub const BUDGET: Duration = Duration::from_secs(20);

/// A database, and a clerk who imports into it.
pub struct Importer {
    /// The database.
    pub test: TestDb,
    /// The clerk's pool.
    pub db: Database,
}

/// A fresh import id.
pub fn new_import() -> ImportId {
    ImportId::from(Uuid::new_v4())
}

/// The result of one row: its line, the outcome, and its errors as `field: why`.
pub type Line = (i32, String, Vec<String>);

/// A row that was accepted.
pub fn good(line: i32, outcome: &str) -> Line {
    (line, outcome.to_owned(), Vec::new())
}

/// A row that was refused for one reason.
pub fn refused(line: i32, why: &str) -> Line {
    (line, "refused".to_owned(), vec![why.to_owned()])
}

impl Importer {
    /// An importer with a database of its own.
    pub async fn new() -> Self {
        let test = TestDb::new().await;
        // On a busy machine, imports that meet need many tries.
        let db = pool(&CLUSTER.url(ADMIN, test.name()), 8);
        let db = db.with_call_timeout(Duration::from_secs(60));
        Self { test, db }
    }

    /// Stages rows as a part of an import of a shop.
    pub async fn stage_rows(
        &self,
        shop_code: &str,
        import_id: ImportId,
        part: i32,
        rows: Vec<Row>,
    ) -> Result<Staged, StageError> {
        let part = i64::from(part).try_into().unwrap();
        let actor = CLERK.parse().unwrap();
        import::stage(&self.db, &shop(shop_code), import_id, part, &actor, &rows).await
    }

    /// Stages a CSV file of one part.
    pub async fn stage(&self, import_id: ImportId, csv: &str) {
        let rows = import::csv::rows(csv.as_bytes(), None).unwrap();
        self.stage_rows(MAIN, import_id, 1, rows).await.unwrap();
    }

    /// The request to apply an import, without pauses.
    pub fn request(parts: i32, mode: Mode, dry_run: bool) -> Apply {
        Apply {
            parts: i64::from(parts).try_into().unwrap(),
            mode,
            dry_run,
            share_percent: Percent::ALL,
        }
    }

    /// Sends such a request for an import of a shop. The call ends after `budget`.
    pub async fn send(
        &self,
        shop_code: &str,
        import_id: ImportId,
        request: &Apply,
        budget: Duration,
    ) -> Result<Progress, ApplyError> {
        let (shop, actor) = (shop(shop_code), CLERK.parse().unwrap());
        import::apply(&self.db, &shop, import_id, &actor, request, budget).await
    }

    /// Applies an import as requested.
    pub async fn applied(
        &self,
        import_id: ImportId,
        request: &Apply,
    ) -> Result<Progress, ApplyError> {
        self.send(MAIN, import_id, request, BUDGET).await
    }

    /// Applies the staged rows of an import of one part.
    pub async fn apply(&self, import_id: ImportId, mode: Mode) -> Result<Progress, ApplyError> {
        self.applied(import_id, &Self::request(1, mode, false))
            .await
    }

    /// A dry run of the staged rows of an import of one part.
    pub async fn try_out(&self, import_id: ImportId) -> Result<Progress, ApplyError> {
        self.applied(import_id, &Self::request(1, Mode::GoodRowsOnly, true))
            .await
    }

    /// Stages and applies a CSV file, good rows only; returns the result of each row.
    pub async fn import(&self, csv: &str) -> Vec<Line> {
        let id = new_import();
        self.stage(id, csv).await;
        self.apply(id, Mode::GoodRowsOnly).await.unwrap();
        self.lines(id).await
    }

    /// The report on an import.
    pub async fn report(&self, import_id: ImportId) -> Report {
        let limit = ReportLimit::try_from(5_000).unwrap();
        import::report(
            &self.db,
            &shop(MAIN),
            import_id,
            Filter::default(),
            None,
            limit,
        )
        .await
        .unwrap()
        .unwrap()
    }

    /// The result of each row.
    pub async fn lines(&self, import_id: ImportId) -> Vec<Line> {
        let rows = self.report(import_id).await.page;
        rows.into_iter()
            .map(|row| {
                let outcome = serde_json::to_value(row.outcome).unwrap();
                let why = |refusal: import::Refusal| format!("{}: {}", refusal.field, refusal.why);
                (
                    row.line,
                    outcome.as_str().unwrap_or("none").to_owned(),
                    row.refusals.into_iter().map(why).collect(),
                )
            })
            .collect()
    }

    /// The whole shop as an export, page by page.
    pub async fn export(&self, format: sku::export::Format, page_rows: i64) -> String {
        let limit = ExportLimit::try_from(page_rows).unwrap();
        let mut text = String::new();
        let mut after = None;
        loop {
            let page = sku::export(&self.db, &shop(MAIN), format, after.as_ref(), limit)
                .await
                .unwrap();
            text.push_str(&page.text);
            match page.next {
                Some(next) => after = Some(next.as_str().parse().unwrap()),
                None => return text,
            }
        }
    }

    /// Everything that an import may change, as text.
    pub async fn goods(&self) -> String {
        let rows = self.test.rows().await;
        ["skus", "stock_levels", "stock_movements"]
            .map(|table| format!("{:#?}", rows[table]))
            .concat()
    }
}
