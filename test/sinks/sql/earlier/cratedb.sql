-- What cdc-relay of November 2026 made, before versions were recorded, of feed.jsonl (by the path FEED).
CREATE TABLE IF NOT EXISTS "cdc_relay"."relays" (
    "name" TEXT NOT NULL,
    "life" TEXT NOT NULL,
    "stream_id" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "stream_created" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "start" TEXT,
    "settings" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "claim" BIGINT NOT NULL,
    "owner" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "claimed_at" TEXT NOT NULL,
    "heartbeat" BIGINT NOT NULL,
    "revision" BIGINT NOT NULL,
    "positions" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "lessons_claim" BIGINT NOT NULL,
    "lessons_revision" BIGINT NOT NULL,
    PRIMARY KEY ("name")
  ) CLUSTERED INTO 1 SHARDS WITH (column_policy = 'strict');
CREATE TABLE IF NOT EXISTS "cdc_relay"."lessons" (
    "life" TEXT NOT NULL,
    "claim" BIGINT NOT NULL,
    "revision" BIGINT NOT NULL,
    "name" TEXT NOT NULL,
    "lessons" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    PRIMARY KEY ("life", "claim", "revision")
  ) CLUSTERED INTO 1 SHARDS WITH (column_policy = 'strict');
CREATE TABLE IF NOT EXISTS "cdc_relay"."tables" (
    "life" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "source" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "target_schema" TEXT NOT NULL,
    "target_table" TEXT NOT NULL,
    "keys" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "columns" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    PRIMARY KEY ("life", "number")
  ) CLUSTERED INTO 1 SHARDS WITH (column_policy = 'strict');
CREATE TABLE IF NOT EXISTS "cdc_relay"."purges" (
    "target_schema" TEXT NOT NULL,
    "target_table" TEXT NOT NULL,
    "samples" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "sweep_below" BIGINT,
    "swept_at" BIGINT,
    PRIMARY KEY ("target_schema", "target_table")
  ) CLUSTERED INTO 1 SHARDS WITH (column_policy = 'strict');
CREATE TABLE IF NOT EXISTS "cdc_relay"."dead_letters" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "recorded_at" TIMESTAMP WITH TIME ZONE NOT NULL,
    "code" TEXT NOT NULL,
    "detail" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "stream" TEXT NOT NULL,
    "shard" TEXT NOT NULL,
    "sequence" TEXT NOT NULL,
    "sub_sequence" INTEGER,
    "event_id" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "source" TEXT,
    "version" BIGINT,
    "raw" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    "change" TEXT INDEX OFF STORAGE WITH (columnstore = false),
    PRIMARY KEY ("id")
  ) CLUSTERED INTO 1 SHARDS WITH (column_policy = 'strict');
CREATE TABLE IF NOT EXISTS "shop"."orders" ("id" INTEGER NOT NULL, "name" TEXT, "price" NUMERIC(38, 10), "cdc_version" BIGINT, "cdc_extra" OBJECT(IGNORED), "cdc_deleted" BOOLEAN, PRIMARY KEY ("id")) WITH (column_policy = 'strict');
CREATE OR REPLACE VIEW "shop"."orders_live" AS
      SELECT "id", "name", "price", "cdc_version", "cdc_extra" FROM "shop"."orders"
      WHERE "cdc_deleted" IS NULL OR "cdc_deleted" = FALSE;
CREATE TABLE IF NOT EXISTS "doc"."devices" ("id" TEXT NOT NULL, "data" OBJECT(IGNORED), "cdc_version" BIGINT, "cdc_deleted" BOOLEAN, PRIMARY KEY ("id")) WITH (column_policy = 'strict');
CREATE OR REPLACE VIEW "doc"."devices_live" AS
      SELECT "id", "data", "cdc_version" FROM "doc"."devices"
      WHERE "cdc_deleted" IS NULL OR "cdc_deleted" = FALSE;
INSERT INTO "cdc_relay"."relays" ("name", "life", "stream_id", "stream_created", "start", "settings", "claim", "owner", "host", "pid", "claimed_at", "heartbeat", "revision", "positions", "lessons_claim", "lessons_revision")
  VALUES ('shop', 'f5a18043-ca03-4dba-b9cd-de949c0509ce', 'FEED', 'sha256:2893:1778da8da1b5017403fc3fb6722951bccd8103a7d318d1daa7f9eaaef1d68293', NULL, '{"mode":"mirror","layout":"","deletes":"soft","table":"","include":"","exclude":"","missing-columns":""}', 1, '5b173772-77f5-47cc-a4f4-b4e96c346869', 'host-1', 13405, '2026-11-30T07:35:28.391Z', 0, 1, '{"positions":[["file","2893",null,null]],"lessons":[]}', 1, 1);
INSERT INTO "cdc_relay"."lessons" ("life", "claim", "revision", "name", "lessons")
  VALUES ('f5a18043-ca03-4dba-b9cd-de949c0509ce', 1, 1, 'shop', '{"positions":[],"lessons":[["table shop.orders","{\"key\":[\"id\"],\"columns\":{\"id\":\"int32\",\"name\":\"text\",\"price\":\"numeric\"},\"floor\":null,\"version\":\"1767300000000000\"}"],["sends-nulls","true"]]}');
INSERT INTO "cdc_relay"."tables" ("life", "number", "name", "source", "target_schema", "target_table", "keys", "columns")
  VALUES ('f5a18043-ca03-4dba-b9cd-de949c0509ce', 0, 'shop', 'shop.orders', 'shop', 'orders', '[{"attribute":"id","column":"id","family":null}]', '[{"attribute":"id","column":"id"},{"attribute":"name","column":"name"},{"attribute":"price","column":"price"}]');
INSERT INTO "cdc_relay"."tables" ("life", "number", "name", "source", "target_schema", "target_table", "keys", "columns")
  VALUES ('f5a18043-ca03-4dba-b9cd-de949c0509ce', 1, 'shop', 'devices', 'doc', 'devices', '[{"attribute":"id","column":"id","family":"text"}]', '[]');
INSERT INTO "cdc_relay"."dead_letters" ("id", "name", "recorded_at", "code", "detail", "stream", "shard", "sequence", "sub_sequence", "event_id", "source", "version", "raw", "change")
  VALUES ('232b95fecdb880b1d2ccb19208ffcedcc3437d7bcd9c220d16eccf41ba2d2d02', 'shop', 1796024130771, 'DECODE_NOT_JSON', 'The 9 characters of the record are not JSON', 'feed.jsonl', 'file', '2893', NULL, NULL, NULL, NULL, 'bm8gcmVjb3Jk', NULL);
INSERT INTO "cdc_relay"."dead_letters" ("id", "name", "recorded_at", "code", "detail", "stream", "shard", "sequence", "sub_sequence", "event_id", "source", "version", "raw", "change")
  VALUES ('310a3e764b811ea946a5d4ffe0eba675d449ff3fe25c8e62267c0944183f01f1', 'shop', 1796024130771, 'SINK_REFUSED', 'Key column "id" of table shop.orders, integer, cannot hold the key', 'feed.jsonl', 'file', '2883', NULL, NULL, 'shop.orders', 1767300126000000, NULL, '{"kind":"change","op":"insert","table":{"schema":"shop","name":"orders"},"key":{"id":99999999999},"before":null,"after":{"id":99999999999,"name":"too large","price":0.5},"complete":true,"version":"1767300126000000","time":"2026-01-01T20:42:06.000000Z","source":{"format":"dms","stream":"feed.jsonl","shard":"file","sequence":"2883"}}');
INSERT INTO "shop"."orders" ("id", "name", "price", "cdc_version", "cdc_extra", "cdc_deleted")
  VALUES (1, 'one', '1.7500000000', 1767300124000000, NULL, false);
INSERT INTO "shop"."orders" ("id", "name", "price", "cdc_version", "cdc_extra", "cdc_deleted")
  VALUES (2, NULL, NULL, 1767300125000000, NULL, true);
INSERT INTO "shop"."orders" ("id", "name", "price", "cdc_version", "cdc_extra", "cdc_deleted")
  VALUES (3, 'three', NULL, 1767300123000000, NULL, false);
INSERT INTO "doc"."devices" ("id", "data", "cdc_version", "cdc_deleted")
  VALUES ('a', {"id" = 'a',"n" = '12345678901234567890.5',"tags" = ['x','y'],"cdc_numbers" = ['/n']}, 1767300000000001, false);
INSERT INTO "doc"."devices" ("id", "data", "cdc_version", "cdc_deleted")
  VALUES ('b', NULL, 1767300000000009, true);
