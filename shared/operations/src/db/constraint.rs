//! The name of the constraint or trigger that refused a statement.

use tokio_postgres::error::DbError;

/// Class 23, integrity constraint violation: a rule of the schema refused the statement.
const VIOLATION: &str = "23";
/// Citus loses the code of some errors of other nodes.
const CODE_LOST: &str = "XX000";
/// Citus numbers its shards from 102008 on. No name of ours ends in so long a number, and none is
/// so long that Citus shortens it; a test holds both.
const SHARD_DIGITS_MIN: usize = 6;

/// The name of the constraint or trigger that refused the statement, as the migrations write it.
///
/// A refusal by a shard of Citus differs in two ways: the shard's number is appended to the name,
/// and an error of another node keeps its code and its texts alone. Then the name is in the
/// message: PostgreSQL and the triggers write `… constraint "<name>"`. Rejected: a code in the
/// message or a SQLSTATE for each rule. PostgreSQL's own constraints can't have them.
#[must_use]
pub fn constraint(error: &DbError) -> Option<&str> {
    let code = error.code().code();
    if !code.starts_with(VIOLATION) && code != CODE_LOST {
        return None;
    }
    let name = error.constraint().or_else(|| named(error.message()))?;
    Some(without_shard(name))
}

fn named(message: &str) -> Option<&str> {
    let (_, rest) = message.rsplit_once("constraint \"")?;
    rest.split_once('"').map(|(name, _)| name)
}

fn without_shard(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((own, shard))
            if shard.len() >= SHARD_DIGITS_MIN && shard.bytes().all(|c| c.is_ascii_digit()) =>
        {
            own
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::{named, without_shard};

    #[test]
    fn a_shards_number_is_no_part_of_the_name() {
        for (name, own) in [
            ("stock_never_oversold_102034", "stock_never_oversold"),
            ("skus_shop_fkey_1020340", "skus_shop_fkey"),
            ("stock_never_oversold", "stock_never_oversold"),
            ("currency_is_iso_4217", "currency_is_iso_4217"),
            ("payments_pkey1", "payments_pkey1"),
        ] {
            assert_eq!(without_shard(name), own, "{name}");
        }
    }

    #[test]
    fn the_message_names_the_constraint_at_its_end() {
        let message =
            "new row for relation \"skus_102040\" violates check constraint \"price_is_sane\"";
        assert_eq!(named(message), Some("price_is_sane"));
        assert_eq!(
            named("null value in column \"sku\" violates not-null constraint"),
            None
        );
    }
}
