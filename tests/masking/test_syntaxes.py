"""Where a secret may stand: whatever it is, it is not in what is stored or shown."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import example, given
from hypothesis import strategies as st

from trainwatt.masking.shapes import MASK
from trainwatt.masking.text import masked, scrubbed, without_password

Test = TypeVar("Test", bound=Callable[..., None])

COMMANDS = (
    "train.py --password {}",
    "train.py --pass {}",
    "train.py --hf-token {} --lr 0.1",
    "train.py --db.password={} --lr 0.1",
    "train.py -token {}",
    "train.py wandb.api_key={} model.tokenizer=bert",
    "WANDB_API_KEY={} python train.py",
    "DB_PASS={} PGPASSWORD={} MYSQL_PWD={} SSHPASS={} python train.py",
    "mysql -h host -p{} db",
    "mysqldump -u root -p'{}' db",
    "/usr/bin/mariadb -p{}",
    "curl -u user:{} https://host",
    "curl -fsSu user:{} https://host",
    "curl --user user:{} https://host",
    "curl -H 'Authorization: token {}' https://host",
    "curl -H 'X-Api-Key: {}' https://host",
    "curl -H 'Cookie: session={}; x={}' https://host",
    "curl https://host/x?access_token={}&y=1",
    "sshpass -p {} ssh host",
    "sshpass -p{} ssh host",
    "sshpass -p '{}' ssh host",
    "redis-cli -h host -a {} ping",
    "mongosh -u me -p {}",
    "docker login -u me -p {} registry",
    "ldapsearch -x -w {}",
    "unzip -P {} data.zip",
    "7z x -p{} data.7z",
    "openssl enc -pass pass:{}",
    "keytool -storepass {}",
    "wandb login {}",
    "wandb login --relogin {}",
    "vault login {}",
    "aws configure set aws_secret_access_key {}",
    "npm config set //registry/:_authToken {}",
    "kubectl --token {} get pods",
    "git clone https://{}@github.com/a/b",
    "git clone https://me:{}@github.com/a/b",
    "git -c http.extraheader='AUTHORIZATION: basic {}' fetch",
    "pip install --index-url https://me:{}@host/simple torch",
    "wget --http-password={} https://host",
    "psql postgresql://me:{}@host/db",
    "psql 'host=h user=me password={}'",
    "sudo -u other env A=b mysql -p{}",
    "docker run -e MYSQL_ROOT_PASSWORD={} mysql",
    "cd x; export HF_TOKEN={}; python train.py",
    "a && sshpass -p {} ssh host | tee log",
    "echo password: {}",
    "echo {} | docker login --password-stdin",
    "echo -n {} | sudo -S true",
    "echo me:{} | chpasswd",
    "chpasswd <<< me:{}",
    "rsync --password-file=<(echo {}) a b",
    "vault kv put secret/x value={}",
    "kubectl create secret generic x --from-literal=name={}",
    "htpasswd -b file me {}",
    "wpa_passphrase network {}",
    "rabbitmqctl add_user me {}",
    "nmcli dev wifi connect x password {}",
    "sqlplus -S scott/{}@db",
    "xfreerdp /u:me /p:{} /v:host",
    "ssh-keygen -N {} -f key",
    "twine upload -u __token__ -p {} dist",
    "train.py --api-keys {} {} --lr 0.1",
    "python -c \"wandb.login('{}')\"",
    "java -Djavax.net.ssl.trustStorePassword={} -jar x",
    "jupyter lab --ServerApp.token={}",
)
"""Command lines as one types them; the secret has no blank and no quote."""
TEXTS = (
    "could not connect to postgresql://me:{}@host/db (timed out)",
    "postgresql://host/db?user=me&password={}",
    "mysql+pymysql://me:{}@host:3306/db?charset=utf8",
    "redis://:{}@host:6379/0",
    "jdbc:oracle:thin:scott/{}@host:1521/db",
    "no route to me:{}@db.example.com",
    "https://a.blob.core.windows.net/c/b?sv=2020&sig={}&se=2026",
    "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIA&X-Amz-Signature={}",
    "https://storage.googleapis.com/b/k?X-Goog-Signature={}",
    "https://d.cloudfront.net/k?Policy=x&Signature={}&Key-Pair-Id=y",
    "redirect=https%3A%2F%2Fhost%3Faccess_token%3D{}",
    "login failed: token={}",
    "login failed: token = {}",
    "password: {}",
    "passwd:{}",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=x",
    "Server=h;Uid=me;Pwd={};Database=d",
    "{{'password': '{}'}}",
    '{{"password": "{}"}}',
    '{{\\"password\\": \\"{}\\"}}',
    "{{'db': {{'user': 'me', 'secret': '{}', 'port': 1}}}}",
    "{{'Authorization': 'token {}'}}",
    "{{'Authorization': 'Bearer {}'}}",
    "Config(user='me', api_key='{}', n=1)",
    "headers = [('Authorization', 'Bearer {}')]",
    "('password', '{}')",
    '[{{"name": "DB_PASSWORD", "value": "{}"}}]',
    "- name: DB_PASSWORD\n  value: {}",
    "<user>me</user><password>{}</password>",
    "os.environ['SECRET_KEY'] = '{}'",
    "Authorization: Basic {}",
    "Authorization: {}",
    "Proxy-Authorization: Negotiate {}",
    "Cookie: a=1; session={}",
    "ALTER USER me WITH PASSWORD '{}'",
    "CREATE USER me IDENTIFIED BY '{}'",
    "wrong password '{}'",
    "the password is {} for all",
    "password {} was refused",
    "Command '['mysql', '-p{}']' returned non-zero exit status 1.",
    "Command '['sshpass', '-p', '{}', 'ssh', 'host']' returned non-zero exit status 5.",
    "Command '['train.py', '--password', '{}']' timed out",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    '{{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n"}}',
    "first line\\npassword={}\\nlast line",
    "https://hooks.slack.com/services/T000/B000/{}",
)
"""Texts of errors and of what they print."""
WRAPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("as it is", str),
    ("printed", repr),
    ("in a mapping", lambda text: str({"a": text, "b": 1})),
    ("in an exception", lambda text: f"RuntimeError: {text}"),
    ("after a line", lambda text: f"first\n{text}\nlast"),
)

PLAIN = string.ascii_letters + string.digits
secrets = st.text(PLAIN, min_size=6, max_size=40).map(lambda text: f"Zq7{text}")
odd_secrets = st.text(PLAIN + "!$%^*+_.~#-/", min_size=6, max_size=30).map(lambda text: f"Zq{text}Zq")


def example_of_each(syntaxes: Sequence[str]) -> Callable[[Test], Test]:
    """Each syntax is tried at least once."""

    def decorate(test: Test) -> Test:
        for syntax in syntaxes:
            test = example(syntax=syntax, secret="Zqhunter2Zq")(test)
        return test

    return decorate


def fragment(secret: str) -> str:
    """What would tell the secret: no part of it may be left."""
    return secret[:5]


@given(syntax=st.sampled_from(COMMANDS), secret=secrets)
@example_of_each(COMMANDS)
def test_no_secret_of_a_command_line_is_kept(syntax: str, secret: str) -> None:
    line = syntax.replace("{}", secret)
    split = [part.strip("'") for part in line.split(" ")]
    if "login('" in line:
        split = ["python", "-c", line]
    for shown in (masked(split), masked(["bash", "-c", line]), masked(["sh", "-c", f"set -e\n{line}"]), scrubbed(line)):
        assert fragment(secret) not in shown


@given(syntax=st.sampled_from(TEXTS), secret=secrets)
@example_of_each(TEXTS)
def test_no_secret_of_a_text_is_kept(syntax: str, secret: str) -> None:
    text = syntax.format(*[secret] * syntax.count("{}"))
    for name, wrap in WRAPS:
        shown = scrubbed(wrap(text))
        assert fragment(secret) not in shown, name
        assert scrubbed(shown) == shown
        assert MASK in shown
    assert fragment(secret) not in masked(["python", text])


ODD = (
    "mysql --password {} db",
    "mysql -p{} db",
    "curl -u user:{} https://host",
    "password={} next",
    "{'password': '{}'}",
    'token: "{}"',
    "postgresql://me:{}@host/db",
    "Authorization: token {}",
    "https://host?sig={}&x=1",
)


@given(syntax=st.sampled_from(ODD), secret=odd_secrets)
@example_of_each(ODD)
def test_a_secret_may_have_any_punctuation(syntax: str, secret: str) -> None:
    shown = scrubbed(syntax.replace("{}", secret))
    assert fragment(secret) not in shown
    assert secret[-5:] not in shown


@given(st.text(min_size=1, max_size=40))
def test_an_argument_after_the_name_of_a_secret_is_hidden_whatever_it_is(secret: str) -> None:
    if not secret.startswith("--"):
        assert masked(["x", "--password", secret]) == f"x --password {MASK}"
    assert masked(["x", f"--password={secret}"]) == f"x --password={MASK}"


@given(
    drivername=st.sampled_from(["postgresql", "postgresql+psycopg", "mysql+pymysql", "oracle"]),
    password=st.one_of(st.text(max_size=30).map(lambda text: f"Zq{text}"), st.integers(10_000, 10**12).map(str)),
    user=st.text(PLAIN, min_size=1, max_size=8),
)
def test_a_database_url_is_masked_as_sqlalchemy_writes_it(drivername: str, password: str, user: str) -> None:
    from sqlalchemy import URL

    try:
        url = URL.create(drivername, user, password, "host", 5432, "db").render_as_string(hide_password=False)
    except UnicodeEncodeError:
        return
    written = url.partition("://")[2].partition("@")[0].partition(":")[2]
    assert without_password(url) == url.replace(f":{written}@", f":{MASK}@")
    assert written not in scrubbed(f"cannot connect to {url}").replace(":5432/", "")


@given(st.text(min_size=6, max_size=20).map(lambda text: f"Zq9{text}Zq9"))
def test_a_database_url_that_is_no_url_is_masked_too(password: str) -> None:
    """A blank, an @ or a slash that is not encoded."""
    shown = without_password(f"postgresql://me:{password}@host/db")
    assert shown == f"postgresql://me:{MASK}@host/db"


def test_the_parameters_of_a_database_url_are_masked() -> None:
    assert without_password("postgresql://host/db?user=me&password=hunter2") == f"postgresql://host/db?user=me&password={MASK}"
    assert without_password("postgresql://u:a@b@h/db") == f"postgresql://u:{MASK}@h/db"
    assert without_password("postgresql://h/db?sslpassword=hunter2&x=1") == f"postgresql://h/db?sslpassword={MASK}&x=1"
    assert without_password("postgresql://me@host:5432/db") == "postgresql://me@host:5432/db"
