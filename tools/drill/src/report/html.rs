pub(super) fn page(_: &super::Report) -> String {
    String::new()
}
