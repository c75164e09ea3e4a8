//! Bulk import and export by the command line, against the local stack.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tests::stack::{STACK, holdfast, level, owner};
use tests::{new_id, until};

/// `holdfast stock` against the stack, for the shop `dress`.
fn stock_command(folder: &Path, args: &[&str]) -> Command {
    let mut command = holdfast("stock");
    command.args(args).current_dir(folder).envs([
        ("HOLDFAST_API", STACK.api_url.as_str()),
        ("HOLDFAST_SHOP", "dress"),
        ("HOLDFAST_ADMIN_TOKEN", STACK.admin_token.as_str()),
    ]);
    command
}

async fn stock(folder: &Path, args: &[&str]) -> (i32, String) {
    let mut command = stock_command(folder, args);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = run.await.unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap(), text)
}

#[tokio::test]
async fn the_command_line_imports_reports_continues_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    let owner = owner(&STACK).await;
    // One row more than a part has, of skus that only this test knows.
    let prefix = format!("CLI-{}", &new_id().to_string()[..8]);
    let rows: String = (0..5_001)
        .map(|n| format!("{prefix}-{n:04},\"=a, \"\"b\"\"\nc\",1,{},t\n", n % 7))
        .collect();
    let file = format!("sku,attr.note,price_minor,on_hand,title\n{rows}");
    std::fs::write(folder.path().join("a.csv"), &file).unwrap();
    let (code, said) = stock(
        folder.path(),
        &["import", "a.csv", "--dry-run", "--pace", "100"],
    )
    .await;
    assert!(
        code == 0 && said.contains("nothing was changed"),
        "{code} {said}"
    );
    let (code, said) = stock(folder.path(), &["import", "a.csv", "--pace", "100"]).await;
    assert!(
        code == 0 && said.contains("created   5001"),
        "{code} {said}"
    );
    assert!(said.contains("in 2 parts"), "{said}");
    assert_eq!(
        level(&owner, "dress", &format!("{prefix}-5000")).await,
        (2, 0)
    );
    let (code, said) = stock(folder.path(), &["import", "a.csv", "--pace", "100"]).await;
    assert!(
        code == 0 && said.contains("unchanged 5001"),
        "{code} {said}"
    );

    let bad = format!("sku,on_hand\n{prefix}-0000,=1+1\n{prefix}-0001,9\n");
    std::fs::write(folder.path().join("bad.csv"), bad).unwrap();
    let bad = ["import", "bad.csv", "--report", "report.csv"];
    let (code, said) = stock(folder.path(), &bad).await;
    assert!(code == 1 && said.contains("line 2, "), "{code} {said}");
    let report = std::fs::read_to_string(folder.path().join("report.csv")).unwrap();
    assert!(report.contains(",refused,on_hand,'=1+1,"), "{report}");
    assert!(
        report.contains(&format!("3,{prefix}-0001,changed,on_hand,,,1,9")),
        "{report}"
    );

    // A reader of the first lines only (`… | head`) does not stop the import.
    let mut unread = stock_command(folder.path(), &bad);
    let mut unread = unread.stdout(Stdio::piped()).spawn().unwrap();
    drop(unread.stdout.take());
    let ended = tokio::task::spawn_blocking(move || unread.wait().unwrap());
    assert_eq!(ended.await.unwrap().code(), Some(1));

    let (code, said) = stock(folder.path(), &["export", "--out", "all.csv"]).await;
    assert_eq!(code, 0, "{said}");
    let all = std::fs::read_to_string(folder.path().join("all.csv")).unwrap();
    assert!(all.matches(&prefix).count() == 5_001, "{}", all.len());
}

/// What a spreadsheet of another language writes: UTF-16, semicolons, CR LF, an ending in capitals.
/// The command counts lines as the API does, and a dry run shows what would change.
#[tokio::test]
async fn the_command_line_takes_a_spreadsheets_file_and_shows_numbers_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = format!("WIN-{}", &new_id().to_string()[..8]);
    let write = |name: &str, text: String| {
        let units = format!("\u{feff}{text}").replace('\n', "\r\n");
        let bytes: Vec<u8> = units.encode_utf16().flat_map(u16::to_le_bytes).collect();
        std::fs::write(folder.path().join(name), bytes).unwrap();
    };
    let header = "SKU;Title;attr.note;Price_Minor;On_Hand;";
    let row = |n: u32, rest: &str| format!("{prefix}-{n};{rest}\n");
    let first = row(1, "Kleid ä;\"two\nlines\";100;7;");
    write("A.CSV", format!("{header}\n{first};;;;;\n"));
    let (code, said) = stock(folder.path(), &["import", "A.CSV"]).await;
    assert!(code == 0 && said.contains("created   1"), "{code} {said}");

    let changed = row(1, "Kleid ä;\"two\nlines\";100;10;");
    let rows = [
        changed,
        ";;;;;\n\n".to_owned(),
        row(2, "Neu;;x;1;"),
        row(3, "Neu;\"open;1;1;"),
    ];
    write("B.CSV", format!("{header}\n{}", rows.concat()));
    let (code, said) = stock(folder.path(), &["import", "B.CSV", "--dry-run"]).await;
    assert_eq!(code, 1, "{said}");
    for line in [
        format!("line 2, {prefix}-1: changed: on_hand 7 \u{2192} 10"),
        format!("line 6, {prefix}-2: price_minor \"x\" must be"),
        "line 7, ?: row".to_owned(),
    ] {
        assert!(said.contains(&line), "{line}: {said}");
    }
    let owner = owner(&STACK).await;
    assert_eq!(level(&owner, "dress", &format!("{prefix}-1")).await, (7, 0));
}

#[tokio::test]
async fn a_refused_command_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.csv"), "sku,on_hand\nA,1\n").unwrap();
    for (args, why) in [
        (vec!["import", "nowhere.csv"], "nowhere.csv"),
        (
            vec!["import", "all.csv", "--token", "no"],
            "HOLDFAST_ADMIN_TOKEN",
        ),
        (
            vec!["import", "all.csv", "--shop", "nobody"],
            "no such shop",
        ),
        (vec!["export", "--out", "not.csv", "--token", "no"], "(401)"),
        (
            vec!["export", "--out", "not.csv", "--api", "localhost"],
            "must start with http",
        ),
    ] {
        let (code, said) = stock(folder.path(), &args).await;
        assert!(code == 2 && said.contains(why), "{args:?}: {code} {said}");
    }
    // a refused command leaves no file
    let left = std::fs::read_dir(folder.path()).unwrap();
    let left: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["all.csv"]);
}

/// A client died after it staged a part: the command line finds the import and continues it.
#[tokio::test]
async fn a_killed_import_by_the_command_line_continues() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = format!("KILL-{}", &new_id().to_string()[..8]);
    let rows: String = (0..12_000)
        .map(|n| format!("{prefix}-{n},t,1,1\n"))
        .collect();
    let file = format!("sku,title,price_minor,on_hand\n{rows}");
    std::fs::write(folder.path().join("a.csv"), file).unwrap();
    let mut first = stock_command(folder.path(), &["import", "a.csv", "--pace", "1"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let owner = owner(&STACK).await;
    let staged = "select count(*) from holdfast.import_skus where shop = 'dress' and sku like $1";
    let like = format!("{prefix}-%");
    until("a part is staged", async || {
        let row = owner.query_one(staged, &[&like]).await.unwrap();
        row.get::<_, i64>(0) > 0
    })
    .await;
    first.kill().unwrap();
    first.wait().unwrap();
    let (code, said) = stock(folder.path(), &["import", "a.csv", "--pace", "100"]).await;
    assert!(
        code == 0 && said.contains("created   12000"),
        "{code} {said}"
    );
    let imports = "select count(distinct import_id) from holdfast.import_skus
        where shop = 'dress' and sku like $1";
    let imports: i64 = owner.query_one(imports, &[&like]).await.unwrap().get(0);
    assert_eq!(imports, 1, "{}", Value::from(said));
}

/// A check of a large shop is not finished in its time. It says so, and goes on from there.
#[tokio::test]
async fn a_check_that_runs_out_of_time_says_where_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let owner = owner(&STACK).await;
    let prefix = format!("CHECK-{}", &new_id().to_string()[..8]);
    // more than a page
    owner
        .batch_execute(&format!(
            "insert into holdfast.skus (shop, sku, title, price_minor)
             select 'dress', '{prefix}-' || n, 't', 1 from generate_series(1, 2100) n;
             insert into holdfast.stock_levels (shop, sku)
             select 'dress', '{prefix}-' || n from generate_series(1, 2100) n"
        ))
        .await
        .unwrap();
    let (code, said) = stock(folder.path(), &["check", "--minutes", "0"]).await;
    assert!(
        code == 2 && said.contains("not finished: 1 pages checked"),
        "{code} {said}"
    );
    let from = said.split("--from ").nth(1).unwrap().trim();
    let (code, said) = stock(folder.path(), &["check", "--from", from]).await;
    assert!(
        code == 0 && said.contains("everything from there on is checked: 0 violations"),
        "{code} {said}"
    );
    let (code, said) = stock(folder.path(), &["check", "--from", "AAAA"]).await;
    assert!(
        code == 2 && said.contains("go on with --from AAAA"),
        "{code} {said}"
    );
    let (code, said) = stock(folder.path(), &["check"]).await;
    assert!(
        code == 0 && said.contains("everything is checked: 0 violations"),
        "{code} {said}"
    );
}
