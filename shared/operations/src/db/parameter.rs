//! The parameters of statements. A value knows its SQL type, so no caller writes it.

use serde_json::Value;
use time::{Date, OffsetDateTime};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

/// A value that a statement takes.
pub trait Parameter: ToSql + Sync {
    /// The type that the database gets it as.
    fn sql_type(&self) -> Type;

    /// The shop that the statement is about, if this is it.
    fn as_shop(&self) -> Option<&str>;
}

impl<T: SqlType> Parameter for T {
    fn sql_type(&self) -> Type {
        T::ONE
    }

    fn as_shop(&self) -> Option<&str> {
        SqlType::as_shop(self)
    }
}

/// A type whose values are all sent as the same SQL type.
pub(crate) trait SqlType: ToSql + Sync {
    /// The SQL type of one value.
    const ONE: Type;
    /// The SQL type of an array of them.
    const ARRAY: Type;

    /// Only a [`Shop`](crate::ids::Shop) is one.
    fn as_shop(&self) -> Option<&str> {
        None
    }
}

macro_rules! sql_types {
    ($($rust:ty: $one:ident, $array:ident;)*) => {
        $(impl SqlType for $rust {
            const ONE: Type = Type::$one;
            const ARRAY: Type = Type::$array;
        })*
    };
}

sql_types! {
    bool: BOOL, BOOL_ARRAY;
    i32: INT4, INT4_ARRAY;
    i64: INT8, INT8_ARRAY;
    &str: TEXT, TEXT_ARRAY;
    String: TEXT, TEXT_ARRAY;
    &[u8]: BYTEA, BYTEA_ARRAY;
    Uuid: UUID, UUID_ARRAY;
    Date: DATE, DATE_ARRAY;
    OffsetDateTime: TIMESTAMPTZ, TIMESTAMPTZ_ARRAY;
    Value: JSONB, JSONB_ARRAY;
}

impl<T: SqlType> SqlType for &T {
    const ONE: Type = T::ONE;
    const ARRAY: Type = T::ARRAY;

    fn as_shop(&self) -> Option<&str> {
        (**self).as_shop()
    }
}

macro_rules! sent_as_its_content {
    ($($rust:ty: $one:ident;)*) => {
        $(impl<T: SqlType> SqlType for $rust {
            const ONE: Type = T::$one;
            // PostgreSQL has one array type for every number of dimensions.
            const ARRAY: Type = T::ARRAY;
        })*
    };
}

sent_as_its_content! {
    Option<T>: ONE;
    &[T]: ARRAY;
    Vec<T>: ARRAY;
}

/// Sends a type as the value that it holds: `sent_as!(Sku, String, |sku| sku.0)`. Methods that
/// replace those of [`SqlType`] may follow.
macro_rules! sent_as {
    ($name:ty, $inner:ty, |$value:ident| $held:expr $(, $method:item)*) => {
        const _: () = {
            use std::error::Error;

            use bytes::BytesMut;
            use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

            use $crate::db::SqlType;

            impl ToSql for $name {
                fn to_sql(
                    &self,
                    sql_type: &Type,
                    out: &mut BytesMut,
                ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
                    let $value = self;
                    $held.to_sql(sql_type, out)
                }

                fn accepts(sql_type: &Type) -> bool {
                    <$inner as ToSql>::accepts(sql_type)
                }

                to_sql_checked!();
            }

            impl SqlType for $name {
                const ONE: Type = <$inner as SqlType>::ONE;
                const ARRAY: Type = <$inner as SqlType>::ARRAY;

                $($method)*
            }
        };
    };
}

pub(crate) use sent_as;

/// The shop of a statement, for a caller that has only its code.
#[derive(Debug)]
pub(crate) struct ShopCode<'a>(pub(crate) &'a str);

sent_as!(
    ShopCode<'_>,
    &str,
    |shop| shop.0,
    fn as_shop(&self) -> Option<&str> {
        Some(self.0)
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CheckoutId, Shop, Sku};
    use crate::payment::Gateway;
    use crate::quantity::{Quantity, Version};
    use crate::utc::Utc;

    #[track_caller]
    fn assert_sent_as(sql_type: &Type, values: &[&dyn Parameter]) {
        for value in values {
            assert_eq!(value.sql_type(), *sql_type, "{value:?}");
            let sent = value.to_sql_checked(sql_type, &mut bytes::BytesMut::new());
            assert!(sent.is_ok(), "{value:?}: {:?}", sent.err());
        }
    }

    #[test]
    fn only_a_shop_is_the_shop_of_a_statement() {
        let shop: Shop = "dress".parse().unwrap();
        for parameter in [&shop as &dyn Parameter, &&shop, &ShopCode("dress")] {
            assert_eq!(parameter.as_shop(), Some("dress"));
        }
        for parameter in [
            &"dress" as &dyn Parameter,
            &"dress".to_owned(),
            &1,
            &vec![&shop],
        ] {
            assert_eq!(parameter.as_shop(), None);
        }
    }

    #[test]
    fn each_family_of_values_is_sent_as_one_sql_type() {
        let sku: Sku = "A".parse().unwrap();
        let id: CheckoutId = Uuid::max().into();
        let quantity = Quantity::try_from(1).unwrap();
        let version = Version::try_from(1).unwrap();
        let at = Utc::from(OffsetDateTime::UNIX_EPOCH);
        assert_sent_as(&Type::BOOL, &[&true]);
        assert_sent_as(&Type::BYTEA, &[&[1_u8].as_slice()]);
        assert_sent_as(&Type::INT4, &[&1_i32, &quantity, &Some(quantity)]);
        assert_sent_as(&Type::INT8, &[&1_i64, &version]);
        assert_sent_as(&Type::JSONB, &[&Value::Null]);
        assert_sent_as(&Type::TEXT, &[&"A", &sku, &Some(&sku), &Gateway::Stripe]);
        assert_sent_as(&Type::TIMESTAMPTZ, &[&at, &None::<Utc>]);
        assert_sent_as(&Type::UUID, &[&Uuid::max(), &id]);
        assert_sent_as(&Type::BOOL_ARRAY, &[&vec![Some(true)]]);
        assert_sent_as(&Type::INT4_ARRAY, &[&vec![1], &Some(vec![quantity])]);
        assert_sent_as(&Type::INT8_ARRAY, &[&[version].as_slice()]);
        assert_sent_as(&Type::TEXT_ARRAY, &[&vec![&sku], &vec![Some("A")]]);
        assert_sent_as(&Type::TIMESTAMPTZ_ARRAY, &[&vec![at]]);
        assert_sent_as(&Type::UUID_ARRAY, &[&vec![id]]);
    }
}
