//! The fields of a sku in a file that is imported or exported, and how a text becomes a cell.

/// What a row may have, in the order in which an export writes it.
pub const FIELDS: [&str; 12] = [
    "sku",
    "title",
    "attributes",
    "price_minor",
    "currency",
    "sale_opens_at",
    "sale_closes_at",
    "low_stock_threshold",
    "limit_per_customer",
    "retired",
    "on_hand",
    "expected_version",
];
/// What makes a spreadsheet take a cell for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text as a cell of a CSV file. One that a spreadsheet would take for a formula gets an
/// apostrophe in front, which [`unescaped`] takes away again.
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
