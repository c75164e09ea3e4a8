//! Bulk import: what a row changes, field by field, and how a report shows it.

use operations::import::{self, Mode};
use operations::sku::export::Format;
use serde_json::json;
use tests::MAIN;
use tests::import::{Importer, good, new_import, refused};

/// A file with some attributes changes those, and an empty cell or null removes one.
#[tokio::test]
async fn a_column_of_one_attribute_leaves_the_others_alone() {
    let clerk = Importer::new().await;
    clerk.test.sku("A", 5).await;
    let attributes = async |sku: &str| {
        let query = format!("select attributes from holdfast.skus where sku = '{sku}'");
        clerk.test.json(&query).await
    };
    let set =
        "update holdfast.skus set attributes = '{\"size\": \"M\", \"n\": 1.5, \"old\": null}'";
    clerk.test.sql(set).await;
    assert_eq!(
        clerk.import("sku,attr.colour\nA,red\n").await,
        [good(2, "changed")]
    );
    let all = json!({ "size": "M", "n": 1.5, "old": null, "colour": "red" });
    assert_eq!(attributes("A").await, all);
    assert_eq!(
        clerk.import("sku,attr.colour\nA,red\n").await,
        [good(2, "unchanged")]
    );
    let file = "sku,attr.colour,attr.size,attr.none,title,price_minor\n\
                A,,L,,,\nNEW,,S,,New,1\n";
    let lines = clerk
        .import(&file.replace("A,,L,,,", "A,,L,,A,10000"))
        .await;
    assert_eq!(lines, [good(2, "changed"), good(3, "created")]);
    let left = json!({ "size": "L", "n": 1.5, "old": null });
    assert_eq!(attributes("A").await, left);
    assert_eq!(attributes("NEW").await, json!({ "size": "S" }));

    let jsonl = async |text: &str| {
        let id = new_import();
        let rows = import::jsonl::rows(text.as_bytes(), None).unwrap();
        clerk.stage_rows(MAIN, id, 1, rows).await.unwrap();
        clerk.apply(id, Mode::GoodRowsOnly).await.unwrap();
        clerk.lines(id).await
    };
    let lines = jsonl(r#"{"sku":"A","attr.n":null,"attr.width":12.25}"#).await;
    assert_eq!(lines, [good(1, "changed")]);
    let left = json!({ "size": "L", "old": null, "width": 12.25 });
    assert_eq!(attributes("A").await, left);
    // the whole object replaces all
    jsonl(r#"{"sku":"A","attributes":{"size":"S"}}"#).await;
    assert_eq!(attributes("A").await, json!({ "size": "S" }));
    // an empty cell of the whole column removes all
    clerk.import("sku,attributes\nA,\n").await;
    assert_eq!(attributes("A").await, json!({}));

    let columns: Vec<String> = (0..100).map(|n| format!("attr.a{n}")).collect();
    let header = columns.join(",");
    let values = vec!["x"; 100].join(",");
    assert_eq!(
        clerk.import(&format!("sku,{header}\nA,{values}\n")).await,
        [good(2, "changed")]
    );
    assert_eq!(
        clerk.import("sku,attr.more\nA,1\n").await,
        [refused(2, "attributes: would be more than 100")]
    );
    assert_eq!(
        clerk.import("sku,attr.more,attr.a0\nA,1,\n").await,
        [good(2, "changed")]
    );
}

/// A clerk sees 7 → 10 before anything changes.
#[tokio::test]
async fn a_dry_run_shows_each_number_before_and_after() {
    let clerk = Importer::new().await;
    clerk.test.sku("A", 7).await;
    clerk.test.sku("B", 7).await;
    let id = new_import();
    let file = "sku,on_hand,price_minor,title,sale_opens_at,limit_per_customer,attr.size,retired\n\
                A,10,12000,A dress,2027-01-01T00:00:00+05:30,2,M,true\n\
                B,7,10000,A dress,,,,false\n\
                C,3,500,New,,,,false\n\
                D,x,500,New,,,,false\n";
    clerk.stage(id, file).await;
    clerk.try_out(id).await.unwrap();
    let changes = async || {
        let page = clerk.report(id).await.page;
        let row = |row: import::report::ReportRow| {
            let change = |change: import::Change| {
                let none = || "none".to_owned();
                let (before, after) = (change.before, change.after);
                let (before, after) = (before.unwrap_or_else(none), after.unwrap_or_else(none));
                format!("{} {before} > {after}", change.field)
            };
            row.changes.into_iter().map(change).collect::<Vec<_>>()
        };
        page.into_iter().map(row).collect::<Vec<_>>()
    };
    let expected = [
        vec![
            "attributes {} > {\"size\": \"M\"}",
            "price_minor 10000 > 12000",
            "sale_opens_at none > 2026-12-31T18:30:00Z",
            "limit_per_customer none > 2",
            "retired false > true",
            "on_hand 7 > 10",
        ],
        vec![],
        vec![
            "title none > New",
            "price_minor none > 500",
            "low_stock_threshold none > 0",
            "on_hand none > 3",
        ],
        vec![],
    ];
    assert_eq!(changes().await, expected);
    assert_eq!(clerk.test.level("A").await.0, 7);
    // and so does the report of the import itself, for good
    clerk.apply(id, Mode::GoodRowsOnly).await.unwrap();
    assert_eq!(clerk.test.level("A").await.0, 10);
    assert_eq!(changes().await, expected);
}

/// Staff raise no level above 1,000,000,000 by a file either. A level that returns have raised
/// stays as the file has it.
#[tokio::test]
async fn an_import_raises_no_level_above_its_bound() {
    let clerk = Importer::new().await;
    clerk.test.sku("A", 5).await;
    assert_eq!(
        clerk.import("sku,on_hand\nA,1000000001\n").await,
        [refused(2, "on_hand: must be at most 1000000000")]
    );
    assert_eq!(
        clerk.import("sku,on_hand\nA,1000000000\n").await,
        [good(2, "changed")]
    );
    let raise = "with level as (
            update holdfast.stock_levels set on_hand = on_hand + 5, version = version + 1
            returning *)
        insert into holdfast.stock_movements
            (shop, sku, version, delta, on_hand_after, reason, actor)
        select shop, sku, version, 5, on_hand, 'returned', 'me' from level";
    clerk.test.sql(raise).await;
    let export = clerk.export(Format::Csv, 10).await;
    assert!(export.contains(",1000000005,"), "{export}");
    assert_eq!(clerk.import(&export).await, [good(2, "unchanged")]);
    assert_eq!(
        clerk.import("sku,on_hand\nA,1000000006\n").await,
        [refused(2, "on_hand: must be at most 1000000000")]
    );
    clerk.test.assert_promises_hold().await;
}

/// A report shows each change, also one of half a second.
#[tokio::test]
async fn a_report_shows_times_as_exactly_as_they_are_stored() {
    let clerk = Importer::new().await;
    for (time, shown) in [
        ("2027-01-01 00:00:00+00", "2027-01-01T00:00:00Z"),
        ("2027-01-01 05:30:00.5+05:30", "2027-01-01T00:00:00.5Z"),
        (
            "2027-01-01 00:00:00.000001+00",
            "2027-01-01T00:00:00.000001Z",
        ),
    ] {
        let query = format!("select holdfast.import_time('{time}')");
        assert_eq!(clerk.test.text(&query).await, shown);
    }
}
