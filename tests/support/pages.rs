//! Lists of the office, page by page.

use serde_json::Value;

use crate::clerk::Clerk;

/// The rows of one page, whatever the answer calls them, and the cursor of the next page.
pub async fn page(clerk: &Clerk, list: &str) -> (Vec<Value>, Option<String>) {
    let answer = clerk.get(list).await;
    match answer.ok(200) {
        Value::String(text) => {
            let next = answer.headers.get("x-holdfast-next").cloned();
            (text.lines().map(Value::from).collect(), next)
        }
        body => {
            let mut members = body.as_object().unwrap().values();
            let rows = members.find_map(Value::as_array).unwrap().clone();
            let next = body.get("next").map(|next| next.as_str().unwrap());
            (rows, next.map(str::to_owned))
        }
    }
}

/// A walk through a list, page by page.
pub struct Walk {
    pub list: &'static str,
    pub limit: usize,
    /// The rows of the pages so far.
    pub rows: Vec<Value>,
    next: Option<String>,
}

impl Walk {
    /// Before the first page.
    pub fn new(list: &'static str, limit: usize) -> Self {
        Self {
            list,
            limit,
            rows: Vec::new(),
            next: None,
        }
    }

    /// Reads one page. Returns whether there is another.
    pub async fn step(&mut self, clerk: &Clerk) -> bool {
        let mark = if self.list.contains('?') { '&' } else { '?' };
        let from = self.next.take();
        let from = from.map_or(String::new(), |next| format!("&cursor={next}"));
        let list = format!("{}{mark}limit={}{from}", self.list, self.limit);
        let (rows, next) = page(clerk, &list).await;
        let rows: Vec<Value> = rows.into_iter().filter(|row| !is_header(row)).collect();
        assert!(rows.len() <= self.limit, "{list}: {rows:#?}");
        self.rows.extend(rows);
        self.next = next;
        self.next.is_some()
    }
}

/// Every row of a list, in pages of `limit`; `between` runs after each page.
pub async fn all_pages<F: Future<Output = ()>>(
    clerk: &Clerk,
    list: &'static str,
    limit: usize,
    mut between: impl FnMut() -> F,
) -> Vec<Value> {
    let mut walk = Walk::new(list, limit);
    loop {
        let more = walk.step(clerk).await;
        between().await;
        if !more {
            return walk.rows;
        }
    }
}

/// The first line of an export.
fn is_header(row: &Value) -> bool {
    row.as_str()
        .is_some_and(|line| line.starts_with("sku,title,attributes,"))
}
