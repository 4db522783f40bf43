SELECT release_id, published_at, code_version, as_of
FROM meta.releases ORDER BY rowid DESC LIMIT 1
