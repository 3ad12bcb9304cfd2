/**
 * What lets the planner write few rows by their keys: the planner of PostgreSQL, which starts faster than GPORCA, and which
 * may then use the index of a key. By default it has neither nested loops nor a price for random access that an index could
 * meet, and reads the whole target for each batch (measured on 6.24.3: 2.7 s against 0.8 s at 600,000 rows).
 * https://docs.vmware.com/en/VMware-Greenplum/6/greenplum-database/ref_guide-config_params-guc-list.html
 */
export const BY_KEY: Readonly<Record<string, string>> = {
  optimizer: 'off',
  enable_nestloop: 'on',
  random_page_cost: '4',
}
