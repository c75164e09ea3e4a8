//! Login by IAM, where the database is RDS or Aurora: it takes a token instead of a password from
//! whoever is a member of its role `rds_iam`, and from then on no password any more.

use tokio_postgres::Client;

use crate::migration::MigrateError;

/// The functions' roles, which the migrations make. Not the one that migrates: it comes with a
/// password, from before any of them was there.
const GRANT: &str = "
do $$
declare
    v_role name;
begin
    for v_role in
        select rolname from pg_roles
        where rolname in
            ('holdfast_checkout', 'holdfast_payments', 'holdfast_sweeper', 'holdfast_admin')
            and not pg_has_role(rolname, 'rds_iam', 'member')
    loop
        execute format('grant rds_iam to %I', v_role);
    end loop;
end $$";

/// Makes the functions' roles members of `rds_iam`; those that are already stay as they are.
///
/// # Errors
/// When the server has no such role (it is not RDS), or refuses the grant.
pub async fn grant(client: &Client) -> Result<(), MigrateError> {
    client
        .batch_execute(GRANT)
        .await
        .map_err(|source| MigrateError::Database {
            step: "granting rds_iam to the functions' roles".to_owned(),
            source,
        })
}
