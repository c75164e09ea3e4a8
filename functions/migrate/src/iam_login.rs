//! Login by IAM on RDS or Aurora. Members of the role `rds_iam` log in by token, and no longer by
//! password.

use tokio_postgres::Client;

use crate::migration::MigrateError;

/// The functions' roles. Not the migrating role: it logs in by password before these roles exist.
const GRANT: &str = "
do $$
declare
    v_role name;
begin
    for v_role in
        select rolname from pg_roles
        where rolname in
            ('holdfast_checkout', 'holdfast_payments', 'holdfast_sweeper', 'holdfast_admin',
                'holdfast_console')
            and not pg_has_role(rolname, 'rds_iam', 'member')
    loop
        execute format('grant rds_iam to %I', v_role);
    end loop;
end $$";

/// Makes the functions' roles members of `rds_iam`, where they are not yet.
///
/// # Errors
/// When the server has no role `rds_iam` (it is not RDS), or refuses the grant.
pub async fn grant(client: &Client) -> Result<(), MigrateError> {
    client
        .batch_execute(GRANT)
        .await
        .map_err(|source| MigrateError::Database {
            step: "granting rds_iam to the functions' roles".to_owned(),
            source,
        })
}
