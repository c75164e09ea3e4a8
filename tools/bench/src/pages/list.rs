//! Every page and live part of the console, as the owner of the shop `big` opens it.

/// One page, or one way to ask for it.
#[derive(Debug)]
pub struct Page {
    /// The route, as the router of the console has it.
    pub route: &'static str,
    /// What is special.
    pub about: &'static str,
    /// The path and the query. `{paid.checkout_id}` is a column of an example of that kind
    /// (growth/examples.sql).
    pub(super) path: &'static str,
    /// How often the link to older rows is followed first.
    pub(super) older: usize,
    pub(super) status: u16,
}

/// Routes that no database answers, and why they are not in the list.
pub const WITHOUT_DATABASE: [(&str, &str); 4] = [
    ("/console/assets/{file}", "a file of the program"),
    ("/console/sign-in", "the provider answers"),
    ("/console/callback", "the provider answers"),
    ("/console/signed-out", "the provider answers"),
];

/// Pages back from the newest rows.
const DEEP: usize = 20;

const fn page(route: &'static str, about: &'static str, path: &'static str) -> Page {
    Page {
        route,
        about,
        path,
        older: 0,
        status: 200,
    }
}

/// A page of old rows.
const fn deep(route: &'static str, about: &'static str, path: &'static str) -> Page {
    Page {
        older: DEEP,
        ..page(route, about, path)
    }
}

/// It leads to another page.
const fn leads(route: &'static str, about: &'static str, path: &'static str) -> Page {
    Page {
        status: 303,
        ..page(route, about, path)
    }
}

const DEPARTURE: &str = "/console/{shop}/desk/departures/{sku}";
const BOOKING: &str = "/console/{shop}/desk/bookings/{checkout_id}";
const STOCK: &str = "/console/{shop}/stock";
const LEDGER: &str = "/console/{shop}/stock/ledger";
const SKU: &str = "/console/{shop}/stock/sku/{sku}";
const IMPORT: &str = "/console/{shop}/stock/import/{import_id}";
const PROGRESS: &str = "/console/{shop}/stock/import/{import_id}/progress";
const SEARCH: &str = "/console/{shop}/support";
const TIMELINE: &str = "/console/{shop}/support/checkouts/{checkout_id}";
const RUNBOOK: &str = "/console/{shop}/health/runbook/{alarm}";
const SUBSCRIBER: &str = "/console/{shop}/health/subscriber/{name}";
/// The list. A test compares it with the routes.
pub const PAGES: &[Page] = &[
    leads("/console", "", "/console"),
    leads("/console/health", "", "/console/health"),
    page("/console/{shop}/desk", "", "/desk"),
    page("/console/{shop}/desk", "another day", "/desk?day={day}"),
    page("/console/{shop}/desk/departures", "", "/desk/departures"),
    page(DEPARTURE, "few bookings", "/desk/departures/T-3"),
    page(DEPARTURE, "a great one", "/desk/departures/D-1"),
    deep(DEPARTURE, "a great one, deep", "/desk/departures/D-1"),
    page(BOOKING, "", "/desk/bookings/{desk.checkout_id}"),
    page(
        BOOKING,
        "another day",
        "/desk/bookings/{desk.checkout_id}?day={day}",
    ),
    page(STOCK, "", "/stock"),
    page(STOCK, "a code's beginning", "/stock?q=t-1"),
    page(STOCK, "in every title", "/stock?q=thi"),
    page(STOCK, "finds nothing", "/stock?q=zebra"),
    leads(STOCK, "finds one", "/stock?q=h-7"),
    page(LEDGER, "", "/stock/ledger"),
    deep(LEDGER, "deep", "/stock/ledger"),
    page(LEDGER, "of a busy sku", "/stock/ledger?sku=H-7"),
    deep(LEDGER, "of a busy sku, deep", "/stock/ledger?sku=H-7"),
    page(
        LEDGER,
        "of a reference",
        "/stock/ledger?reference={paid.reference}",
    ),
    page(LEDGER, "of a delivery", "/stock/ledger?reference=PO-1"),
    page(SKU, "a busy one", "/stock/sku/H-7"),
    page(SKU, "a quiet one", "/stock/sku/T-3"),
    page("/console/{shop}/stock/import", "", "/stock/import"),
    page(IMPORT, "", "/stock/import/{imported}"),
    deep(IMPORT, "deep", "/stock/import/{imported}"),
    page(
        IMPORT,
        "the refused row",
        "/stock/import/{imported}?only=refused",
    ),
    page(PROGRESS, "", "/stock/import/{imported}/progress"),
    page("/console/{shop}/sale", "", "/sale"),
    page("/console/{shop}/sale/now", "", "/sale/now"),
    page("/console/{shop}/sale/end/{sku}", "", "/sale/end/H-7"),
    page(SEARCH, "", "/support"),
    page(SEARCH, "by a name's beginning", "/support?q=customer-1"),
    page(SEARCH, "by a busy customer", "/support?q=agency"),
    page(SEARCH, "by a telephone number", "/support?q=98220%2055512"),
    page(SEARCH, "finds nothing", "/support?q=nobody"),
    leads(SEARCH, "by a reference", "/support?q={paid.reference}"),
    leads(
        SEARCH,
        "by a gateway's id",
        "/support?q={refunded.gateway_payment_id}",
    ),
    leads(SEARCH, "by an order's id", "/support?q={paid.order_id}"),
    page(TIMELINE, "open", "/support/checkouts/{open.checkout_id}"),
    page(
        TIMELINE,
        "expired",
        "/support/checkouts/{expired_open.checkout_id}",
    ),
    page(TIMELINE, "paid", "/support/checkouts/{paid.checkout_id}"),
    page(
        TIMELINE,
        "refunded",
        "/support/checkouts/{refunded.checkout_id}",
    ),
    page(
        TIMELINE,
        "paid too late",
        "/support/checkouts/{refund_due.checkout_id}",
    ),
    page("/console/{shop}/health", "", "/health"),
    page("/console/{shop}/health/now", "", "/health/now"),
    page(RUNBOOK, "", "/health/runbook/ParkedEventsAlarm"),
    page(SUBSCRIBER, "all sent", "/health/subscriber/mail"),
    deep(SUBSCRIBER, "all sent, deep", "/health/subscriber/mail"),
    page(SUBSCRIBER, "three days behind", "/health/subscriber/ledger"),
];
