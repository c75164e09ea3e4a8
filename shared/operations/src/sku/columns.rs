//! The fields of a sku in an imported or exported file, and the escaping of a cell.

/// The fields of a row, in the order of an export.
pub const FIELDS: [&str; 13] = [
    "sku",
    "title",
    "attributes",
    "price_minor",
    "currency",
    "sale_opens_at",
    "sale_closes_at",
    "departs_at",
    "low_stock_threshold",
    "limit_per_customer",
    "retired",
    "on_hand",
    "expected_version",
];
/// The characters with which a spreadsheet begins a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text as a cell of a CSV file. If a spreadsheet would read it as a formula, it gets an
/// apostrophe in front. [`unescaped`] removes it.
#[must_use]
pub fn escaped(text: &str) -> String {
    if text.trim_start_matches('\'').starts_with(FORMULA) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The text of a cell.
#[must_use]
pub fn unescaped(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.trim_start_matches('\'').starts_with(FORMULA) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_no_formula_as_a_cell_and_comes_back_as_it_was() {
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''=1", "'", "it's", "A",
        ] {
            let cell = escaped(text);
            assert!(!cell.starts_with(FORMULA), "{cell}");
            assert_eq!(unescaped(&cell), text);
        }
        assert_eq!(escaped("it's"), "it's");
        assert_eq!(unescaped("'quoted'"), "'quoted'");
    }
}
