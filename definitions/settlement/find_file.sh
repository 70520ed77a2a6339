# Is the file of the day there? Reads the question as JSON on stdin and answers with the file as JSON; 3 says: not yet.
# What stands in for the bank's folder here: a day that ends in 0 is a day without a file, one in 5 comes at the third look.
set -eu
question=$(cat)
day=$(printf '%s' "$question" | sed 's/.*"day":"\([^"]*\)".*/\1/')
looks=$(printf '%s' "$question" | sed 's/.*"looks":\([0-9]*\).*/\1/')
case $day in
    *0) echo "no file for $day" >&2; exit 3 ;;
    *5) if [ "$looks" -lt 2 ]; then echo "no file for $day yet" >&2; exit 3; fi ;;
    *9) echo "the folder is not mounted" >&2; exit 1 ;;
esac
total=30050
case $day in *7) total=99999 ;; esac
cat <<END
{"name": "$day.csv", "trailer": {"count": 3, "total": $total},
 "records": ["NORD;10000", "WEST;20000", "NORD;50"]}
END
