//! Words that people write and read: bounded, on one line, and otherwise theirs.

use crate::ids::text_id;

text_id!(
    /// What a sku is called.
    Title, 200, |c| !c.is_control(),
    "1 to 200 characters without control characters"
);
text_id!(
    /// What a shop is called.
    ShopName, 100, |c| !c.is_control(),
    "1 to 100 characters without control characters"
);
text_id!(
    /// Why a clerk changes stock, in their own words.
    Note, 500, |c| !c.is_control(),
    "1 to 500 characters without control characters"
);
text_id!(
    /// A currency: ISO 4217.
    Currency, 3, |c| c.is_ascii_uppercase(),
    "3 characters of A-Z"
);
