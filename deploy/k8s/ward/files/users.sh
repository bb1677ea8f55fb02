# Databases and users of the services. MariaDB's image sources this file on the first start of an empty data folder, while the
# server listens on its socket alone. users.txt: database, user, file of the password in /etc/ward/passwords, rights.
while read -r database user file rights; do
    password=$(cat "/etc/ward/passwords/$file")
    case $password in
    '' | *[!A-Za-z0-9._~-]*)
        echo "the password in $file must be letters, digits or . _ ~ - alone" >&2
        exit 1
        ;;
    esac
    docker_process_sql --database=mysql <<SQL
CREATE DATABASE IF NOT EXISTS \`$database\`;
CREATE USER IF NOT EXISTS '$user'@'%' IDENTIFIED BY '$password' REQUIRE SSL;
GRANT $rights ON \`$database\`.* TO '$user'@'%';
SQL
done </etc/ward/users/users.txt
