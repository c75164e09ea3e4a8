//! Rights on routines: those that rights.sql lists, and those that PostgreSQL grants.

use std::collections::BTreeSet;

use crate::stack::root;

/// (routine, role): the role may execute the routine.
pub type Rights = BTreeSet<(String, String)>;

/// The rows of the table in docs/rights.md whose first column has this name, header included.
pub fn table(first: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("docs/rights.md")).unwrap();
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with(&format!("| {first} |")))
        .take_while(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("|---"));
    let cells = |line: &str| {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('`', ""))
            .collect()
    };
    rows.map(cells).collect()
}

/// The rights that rights.sql lists: rows of `('routine', 'role role')`.
pub fn documented() -> Rights {
    let path = root().join("migrations/rights/rights.sql");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| {
        let (routine, rest) = line.trim().strip_prefix("('")?.split_once("',")?;
        let roles = rest.trim().strip_prefix('\'')?.split_once('\'')?.0;
        Some((routine, roles))
    });
    let each = rows.flat_map(|(routine, roles)| {
        let right = |role| (routine.to_owned(), format!("holdfast_{role}"));
        roles.split(' ').map(right).collect::<Vec<_>>()
    });
    each.collect()
}

/// The rights that the database grants, without the owner's own.
pub async fn granted(owner: &tokio_postgres::Client) -> Rights {
    let query = "
        select p.proname::text,
            case a.grantee when 0 then 'everybody' else a.grantee::regrole::text end
        from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where p.pronamespace in ('holdfast'::regnamespace, 'holdfast_read'::regnamespace)
            and a.grantee <> p.proowner";
    let rows = owner.query(query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
