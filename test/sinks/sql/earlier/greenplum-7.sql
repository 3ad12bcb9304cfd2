-- What cdc-relay of November 2026 made, before versions were recorded, of feed.jsonl (by the path FEED).
CREATE SCHEMA IF NOT EXISTS cdc_relay;
CREATE TABLE IF NOT EXISTS cdc_relay.relays (
    name text COLLATE "C" PRIMARY KEY,
    stream_id text NOT NULL,
    stream_created text NOT NULL,
    start text,
    settings jsonb NOT NULL,
    claim bigint NOT NULL,
    owner uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now()
  ) USING heap WITH (fillfactor = 50) DISTRIBUTED BY (name);
CREATE TABLE IF NOT EXISTS cdc_relay.positions (
    name text COLLATE "C" NOT NULL,
    shard text COLLATE "C" NOT NULL,
    sequence text COLLATE "C" NOT NULL,
    arrived_at timestamptz,
    caught_up_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, shard)
  ) USING heap WITH (fillfactor = 50) DISTRIBUTED BY (name);
CREATE TABLE IF NOT EXISTS cdc_relay.tables (
    name text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    target_schema text COLLATE "C" NOT NULL,
    target_table text COLLATE "C" NOT NULL,
    keys jsonb NOT NULL,
    columns jsonb NOT NULL,
    PRIMARY KEY (name, source),
    UNIQUE (name, target_schema, target_table)
  ) USING heap WITH (fillfactor = 85) DISTRIBUTED BY (name);
CREATE TABLE IF NOT EXISTS cdc_relay.dead_letters (
    id bigserial PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    code text NOT NULL,
    detail text NOT NULL,
    stream text NOT NULL,
    shard text NOT NULL,
    sequence text NOT NULL,
    sub_sequence integer,
    event_id text,
    source text,
    version bigint,
    raw bytea,
    change jsonb
  ) USING heap WITH (fillfactor = 100) DISTRIBUTED BY (id);
CREATE TABLE IF NOT EXISTS cdc_relay.lessons (
    name text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    lesson text NOT NULL,
    PRIMARY KEY (name, subject)
  ) USING heap WITH (fillfactor = 50) DISTRIBUTED BY (name);
CREATE SCHEMA "shop";
CREATE TABLE "shop"."orders" ("id" integer NOT NULL, "name" text, "price" numeric, "cdc_version" bigint, "cdc_extra" jsonb, PRIMARY KEY ("id")) USING heap WITH (fillfactor = 85) DISTRIBUTED BY ("id");
CREATE TABLE "cdc_relay"."tombstones_orders_062907af16bd798a" ("id" integer NOT NULL, version bigint NOT NULL, removed_at timestamptz NOT NULL, PRIMARY KEY ("id")) USING heap WITH (fillfactor = 85) DISTRIBUTED BY ("id");
CREATE TABLE "public"."devices" ("id" text NOT NULL, "data" jsonb, "cdc_version" bigint, PRIMARY KEY ("id")) USING heap WITH (fillfactor = 85) DISTRIBUTED BY ("id");
CREATE TABLE "cdc_relay"."tombstones_devices_261e79047c4a09a3" ("id" text COLLATE "pg_catalog"."default" NOT NULL, version bigint NOT NULL, removed_at timestamptz NOT NULL, PRIMARY KEY ("id")) USING heap WITH (fillfactor = 85) DISTRIBUTED BY ("id");
INSERT INTO "cdc_relay"."relays" (name, stream_id, stream_created, start, settings, claim, owner, host, pid, claimed_at)
  VALUES ('shop', 'FEED', 'sha256:2893:1778da8da1b5017403fc3fb6722951bccd8103a7d318d1daa7f9eaaef1d68293', NULL, '{"mode": "mirror", "table": "", "layout": "", "deletes": "hard", "exclude": "", "include": "", "missing-columns": ""}', '1', '4397f5c1-749d-4fe1-a6bf-6384c59e9ef3', 'host-1', '13288', '2026-11-30 07:35:23.34537+00');
INSERT INTO "cdc_relay"."dead_letters" (name, recorded_at, code, detail, stream, shard, sequence, sub_sequence, event_id, source, version, raw, change)
  VALUES ('shop', '2026-11-30 07:35:23.826146+00', 'DECODE_NOT_JSON', 'The 9 characters of the record are not JSON', 'feed.jsonl', 'file', '2893', NULL, NULL, NULL, NULL, '\x6e6f207265636f7264', NULL);
INSERT INTO "cdc_relay"."dead_letters" (name, recorded_at, code, detail, stream, shard, sequence, sub_sequence, event_id, source, version, raw, change)
  VALUES ('shop', '2026-11-30 07:35:23.826146+00', 'SINK_REFUSED', 'Key column "id" of table shop.orders, integer, cannot hold the key', 'feed.jsonl', 'file', '2883', NULL, NULL, 'shop.orders', '1767300126000000', NULL, '{"op": "insert", "key": {"id": 99999999999}, "kind": "change", "time": "2026-01-01T20:42:06.000000Z", "after": {"id": 99999999999, "name": "too large", "price": 0.5}, "table": {"name": "orders", "schema": "shop"}, "before": null, "source": {"shard": "file", "format": "dms", "stream": "feed.jsonl", "sequence": "2883"}, "version": "1767300126000000", "complete": true}');
INSERT INTO "cdc_relay"."lessons" (name, subject, lesson)
  VALUES ('shop', 'sends-nulls', 'true');
INSERT INTO "cdc_relay"."lessons" (name, subject, lesson)
  VALUES ('shop', 'table shop.orders', '{"key":["id"],"columns":{"id":"int32","name":"text","price":"numeric"},"floor":null,"version":"1767300000000000"}');
INSERT INTO "cdc_relay"."positions" (name, shard, sequence, arrived_at, caught_up_at, updated_at)
  VALUES ('shop', 'file', '2893', NULL, NULL, '2026-11-30 07:35:23.826146+00');
INSERT INTO "cdc_relay"."tables" (name, source, target_schema, target_table, keys, columns)
  VALUES ('shop', 'devices', 'public', 'devices', '[{"column": "id", "family": "text", "attribute": "id"}]', '[]');
INSERT INTO "cdc_relay"."tables" (name, source, target_schema, target_table, keys, columns)
  VALUES ('shop', 'shop.orders', 'shop', 'orders', '[{"column": "id", "family": null, "attribute": "id"}]', '[{"column": "id", "attribute": "id"}, {"column": "name", "attribute": "name"}, {"column": "price", "attribute": "price"}]');
INSERT INTO "cdc_relay"."tombstones_devices_261e79047c4a09a3" (id, version, removed_at)
  VALUES ('b', '1767300000000009', 'now');
INSERT INTO "cdc_relay"."tombstones_orders_062907af16bd798a" (id, version, removed_at)
  VALUES ('2', '1767300125000000', 'now');
INSERT INTO "public"."devices" (id, data, cdc_version)
  VALUES ('a', '{"n": 12345678901234567890.5, "id": "a", "tags": ["x", "y"]}', '1767300000000001');
INSERT INTO "shop"."orders" (id, name, price, cdc_version, cdc_extra)
  VALUES ('1', 'one', '1.75', '1767300124000000', NULL);
INSERT INTO "shop"."orders" (id, name, price, cdc_version, cdc_extra)
  VALUES ('3', 'three', NULL, '1767300123000000', NULL);
