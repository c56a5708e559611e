# Answers SQL of DuckDB over a file of log lines: one statement a line on standard input, and on standard
# output the milliseconds it took and the first number of its answer. Arguments: the lines, the database.
import sys, time
import duckdb

lines, database = sys.argv[1:]
connection = duckdb.connect(database)
# it would stand on standard output
connection.execute("set enable_progress_bar = false")
connection.execute(
    """create table logs as select
         line,
         json_extract_string(line, '$.service') as service,
         json_extract_string(line, '$.level') as level,
         json_extract_string(line, '$.ts')::timestamp as ts
       from read_csv(?, columns = {'line': 'VARCHAR'}, delim = chr(1), header = false,
                     quote = '', escape = '', auto_detect = false)""",
    [lines],
)
connection.execute("checkpoint")
print(duckdb.__version__, flush=True)
for statement in sys.stdin:
    begin = time.perf_counter()
    rows = connection.execute(statement).fetchall()
    took = time.perf_counter() - begin
    print(took * 1e3, sum(row[-1] for row in rows), flush=True)
