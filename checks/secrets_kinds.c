/* SPDX-License-Identifier: Apache-2.0
 * secrets_kinds: the table of forms and its matcher; see secrets_kinds.h. Matching is greedy without backtracking, so a
 * try costs no more than the bytes it reads. Prefixes and lengths: the vendors' documentation and the public rule sets
 * of secret scanners. A start is looked up by its first three bytes; ordinary words pass at the cost of one bit. */
#include "checks/secrets_kinds.h"
#include "checks/text/digits.h"
#include <pthread.h>
#include <stdlib.h>

static const struct kind kinds[] = {
    /* clouds */
    { "aws-access-key", "AKIA%U{16}", 0 },
    { "aws-access-key", "ASIA%U{16}", 0 },
    { "aws-access-key", "ABIA%U{16}", 0 },
    { "aws-access-key", "ACCA%U{16}", 0 },
    { "aws-access-key", "A3T%U{17}", 0 },
    { "aws-mws-key", "amzn.mws.%u", KIND_PLAIN },
    { "aws-bedrock-key", "ABSK%b{40,300}%=", 0 },
    { "aws-bedrock-key", "bedrock-api-key-%b{20,2000}%=", 0 },
    { "aws-session-token", "IQoJb3JpZ2lu%b{80,2000}%=", 0 },
    { "aws-session-token", "FwoGZXIvYXdz%b{80,2000}%=", 0 },
    { "amazon-oauth-secret", "amzn1.oa2-cs.v1.%h{64}", 0 },
    { "google-api-key", "AIza%w{35}", KIND_LOOSE },
    { "google-oauth-token", "ya29.%w{30,1024}", 0 },
    { "google-oauth-secret", "GOCSPX-%w{28}", KIND_LOOSE },
    { "google-refresh-token", "1//0%w{38,128}", 0 },
    { "google-express-key", "AQ.Ab8R%w{30,80}", 0 },
    { "firebase-messaging-key", "AAAA%w{7}:APA91b%w{120,180}", 0 },
    { "alibaba-access-key", "LTAI%a{12,24}", 0 },
    { "tencent-secret-id", "AKID%a{32}", 0 },
    { "tencent-secret-id", "AKID%a{13,20}", 0 },
    { "volcengine-access-key", "AKLT%a{40,60}", 0 },
    { "yandex-iam-token", "t1.%w{10,300}%=.%w{86}%=", 0 },
    { "yandex-api-key", "AQVN%w{35,38}", KIND_LOOSE },
    { "yandex-access-key", "YCAJ%w{21}", 0 },
    { "yandex-secret-key", "YC%w{38}", 0 },
    { "yandex-oauth-token", "y0_%w{50,70}", 0 },
    { "scaleway-access-key", "SCW%U{17}", 0 },
    { "digitalocean-token", "dop_v1_%h{64}", KIND_LOOSE },
    { "digitalocean-token", "doo_v1_%h{64}", KIND_LOOSE },
    { "digitalocean-token", "dor_v1_%h{64}", KIND_LOOSE },
    { "digitalocean-spaces-key", "DO00%U{16}", 0 },
    { "heroku-key", "HRKU-AA%w{58}", KIND_LOOSE },
    { "heroku-key", "HRKU-%u", KIND_PLAIN },
    { "fly-token", "fo1_%w{43}", KIND_LOOSE },
    { "fly-token", "fm1a_%b{60,4000}%=", 0 },
    { "fly-token", "fm1r_%b{60,4000}%=", 0 },
    { "fly-token", "fm2_%b{60,4000}%=", 0 },
    { "render-key", "rnd_%a{28,40}", KIND_LOOSE },
    { "vercel-token", "vercel_blob_rw_%w{20,80}", KIND_LOOSE },
    { "vercel-token", "vcp_%a{20,80}", KIND_LOOSE },
    { "vercel-token", "vca_%a{20,80}", KIND_LOOSE },
    { "vercel-token", "vck_%a{20,80}", KIND_LOOSE },
    { "vercel-token", "vci_%a{20,80}", KIND_LOOSE },
    { "vercel-token", "vcr_%a{20,80}", KIND_LOOSE },
    { "netlify-token", "nfp_%a{36,40}", KIND_LOOSE },
    { "netlify-token", "nfc_%a{36,40}", 0 },
    { "netlify-token", "nfo_%a{36,40}", 0 },
    { "cloudflare-origin-ca-key", "v1.0-%h{24}-%h{140,150}", 0 },
    { "cloudflare-token", "cfut_%w{30,80}", KIND_LOOSE },
    { "cloudflare-token", "cfat_%w{30,80}", KIND_LOOSE },
    { "cloudflare-token", "cfk_%w{30,80}", 0 },
    { "scalingo-token", "tk-us-%w{48}", KIND_LOOSE },
    { "scalingo-token", "tk-eu-%w{48}", KIND_LOOSE },
    /* code and packages */
    { "github-token", "ghp_%a{36}", KIND_LOOSE },
    { "github-token", "gho_%a{36}", KIND_LOOSE },
    { "github-token", "ghu_%a{36}", KIND_LOOSE },
    { "github-token", "ghs_%a{36}", KIND_LOOSE },
    { "github-token", "ghr_%a{36,76}", KIND_LOOSE },
    { "github-token", "github_pat_%a{22}_%a{59}", KIND_LOOSE },
    { "gitlab-token", "glpat-%w{27,300}.%l{2}%l{7}", 0 },
    { "gitlab-token", "glpat-%w{20}", KIND_LOOSE },
    { "gitlab-trigger-token", "glptt-%h{40}", KIND_LOOSE },
    { "gitlab-deploy-token", "gldt-%w{20}", KIND_LOOSE },
    { "gitlab-runner-token", "glrt-t%d_%w{27,300}.%l{2}%l{7}", 0 },
    { "gitlab-runner-token", "glrt-%w{20}", KIND_LOOSE },
    { "gitlab-runner-token", "glrtr-%w{20}", KIND_LOOSE },
    { "gitlab-runner-registration-token", "GR1348941%w{20}", KIND_LOOSE },
    { "gitlab-job-token", "glcbt-%a{1,5}_%w{20,64}", KIND_LOOSE },
    { "gitlab-feed-token", "glft-%w{20,64}", KIND_LOOSE },
    { "gitlab-mail-token", "glimt-%w{25}", KIND_LOOSE },
    { "gitlab-agent-token", "glagent-%w{50}", KIND_LOOSE },
    { "gitlab-oauth-secret", "gloas-%w{64}", KIND_LOOSE },
    { "gitlab-scim-token", "glsoat-%w{20}", KIND_LOOSE },
    { "gitlab-flags-token", "glffct-%w{20}", KIND_LOOSE },
    { "gitlab-workspace-token", "glwt-%w{20,64}", KIND_LOOSE },
    { "bitbucket-token", "ATBB%a{28,32}", 0 },
    { "bitbucket-token", "ATCTT3xFfG%e{100,300}", 0 },
    { "atlassian-token", "ATATT3%e{100,250}", 0 },
    { "atlassian-token", "ATSTT3%e{100,250}", 0 },
    { "npm-token", "npm_%a{36}", KIND_LOOSE },
    { "pypi-token", "pypi-AgEIcHlwaS5vcmc%w{50,1000}", KIND_LOOSE },
    { "pypi-token", "pypi-AgENdGVzdC5weXBpLm9yZw%w{50,1000}", KIND_LOOSE },
    { "pypi-token", "pypi-%w{60,1000}", 0 },
    { "rubygems-token", "rubygems_%h{48}", KIND_LOOSE },
    { "crates-token", "cio%a{32}", 0 },
    { "nuget-key", "oy2%l{43}", 0 },
    { "clojars-token", "CLOJARS_%a{60}", KIND_LOOSE },
    { "clojars-token", "clojars_%a{60}", KIND_LOOSE },
    { "docker-token", "dckr_pat_%w{27}", KIND_LOOSE },
    { "docker-token", "dckr_oat_%w{32}", KIND_LOOSE },
    { "packagist-token", "packagist_%a{3}_%h{40,80}", KIND_LOOSE },
    { "packagecloud-token", "pkc_%h{40,64}", 0 },
    { "artifactory-key", "AKCp%a{69}", KIND_LOOSE },
    { "artifactory-key", "AKC%a{60,73}", 0 },
    { "artifactory-token", "cmVmd%a{59}", KIND_LOOSE },
    { "sourcegraph-token", "sgp_%H{16}_%H{40}", KIND_LOOSE },
    { "sourcegraph-token", "sgp_local_%H{40}", KIND_LOOSE },
    { "sourcegraph-token", "sgp_%H{40}", KIND_LOOSE },
    { "sourcegraph-token", "sgd_%H{40,64}", 0 },
    { "sonar-token", "squ_%h{40}", KIND_LOOSE },
    { "sonar-token", "sqp_%h{40}", KIND_LOOSE },
    { "sonar-token", "sqa_%h{40}", KIND_LOOSE },
    { "sonar-token", "sqb_%h{40}", 0 },
    { "snyk-token", "snyk_%a{3}_%w{20,80}", KIND_LOOSE },
    { "circleci-token", "CCIPAT_%a{20,24}_%h{40}", KIND_LOOSE },
    { "circleci-token", "CCIPRJ_%a{20,24}_%h{40}", KIND_LOOSE },
    { "buildkite-token", "bkua_%h{40}", KIND_LOOSE },
    { "buildkite-token", "bkaj_%w{30,200}", 0 },
    { "buildkite-token", "bkct_%w{30,200}", 0 },
    { "octopus-key", "API-%U{26}", 0 },
    { "octopus-key", "API-%U{32}", 0 },
    { "harness-key", "pat.%w{22}.%a{24}.%a{20}", 0 },
    { "harness-key", "sat.%w{22}.%a{24}.%a{20}", 0 },
    { "pulumi-token", "pul-%h{40}", KIND_LOOSE },
    { "infracost-key", "ico-%a{32}", 0 },
    { "vscode-marketplace-token", "vsce_%a{20,80}", 0 },
    { "openvsx-token", "ovsxat_%u", KIND_PLAIN },
    { "ionic-token", "ion_%a{42}", 0 },
    { "expo-token", "expo_%w{30,60}", 0 },
    { "codeclimate-token", "qltcp_%w{30,80}", KIND_LOOSE },
    { "launchdarkly-key", "sdk-%u", KIND_PLAIN },
    { "launchdarkly-key", "mob-%u", KIND_PLAIN },
    { "launchdarkly-token", "api-%u", KIND_PLAIN },
    { "configcat-key", "configcat-sdk-1/%w{22}/%w{22}", 0 },
    { "flagsmith-key", "ser.%a{20,30}", 0 },
    { "statsig-secret", "secret-%a{38,50}", 0 },
    /* models and data */
    { "openai-key", "sk-proj-%w{40,200}", KIND_LOOSE },
    { "openai-key", "sk-svcacct-%w{40,200}", KIND_LOOSE },
    { "openai-key", "sk-admin-%w{40,200}", KIND_LOOSE },
    { "openai-key", "sk-service-%w{40,200}", KIND_LOOSE },
    { "openai-key", "sk-None-%w{40,200}", KIND_LOOSE },
    { "openai-key", "sk-%a{20}T3BlbkFJ%a{20}", 0 },
    { "openai-key", "sk-%a{48}", 0 },
    { "openai-session", "sess-%a{40}", 0 },
    { "anthropic-key", "sk-ant-api03-%w{93}AA", KIND_LOOSE },
    { "anthropic-key", "sk-ant-admin01-%w{93}AA", KIND_LOOSE },
    { "anthropic-key", "sk-ant-oat01-%w{80,110}", KIND_LOOSE },
    { "anthropic-key", "sk-ant-ort01-%w{80,110}", KIND_LOOSE },
    { "anthropic-key", "sk-ant-%w{60,140}", KIND_LOOSE },
    { "openrouter-key", "sk-or-v1-%h{64}", KIND_LOOSE },
    { "litellm-key", "sk-lf-%u", KIND_PLAIN },
    { "langfuse-key", "pk-lf-%u", KIND_PLAIN },
    { "deepseek-key", "sk-%h{32}", 0 },
    { "generic-sk-key", "sk-%w{40,180}", 0 },
    { "huggingface-token", "hf_%a{34}", KIND_LOOSE },
    { "huggingface-token", "api_org_%a{34}", KIND_LOOSE },
    { "groq-key", "gsk_%a{52}", KIND_LOOSE },
    { "xai-key", "xai-%a{80}", KIND_LOOSE },
    { "perplexity-key", "pplx-%a{48}", KIND_LOOSE },
    { "replicate-token", "r8_%a{37,40}", 0 },
    { "nvidia-key", "nvapi-%w{60,70}", KIND_LOOSE },
    { "fireworks-key", "fw_%a{22,24}", 0 },
    { "together-key", "tgp_v1_%w{43}", KIND_LOOSE },
    { "cerebras-key", "csk-%l{48}", KIND_LOOSE },
    { "anyscale-key", "esecret_%l{26,40}", KIND_LOOSE },
    { "modal-token", "ak-%a{22}", 0 },
    { "modal-token", "as-%a{22}", 0 },
    { "langsmith-key", "lsv2_pt_%h{32}_%h{10}", KIND_LOOSE },
    { "langsmith-key", "lsv2_sk_%h{32}_%h{10}", KIND_LOOSE },
    { "langsmith-key", "ls__%h{32}", 0 },
    { "pinecone-key", "pcsk_%a{4,10}_%a{40,70}", KIND_LOOSE },
    { "weights-and-biases-key", "wandb_v1_%w{40,100}", KIND_LOOSE },
    { "tavily-key", "tvly-%w{32,50}", KIND_LOOSE },
    { "firecrawl-key", "fc-%h{32}", 0 },
    { "jina-key", "jina_%h{32}%w{20,40}", KIND_LOOSE },
    { "voyage-key", "pa-%w{43}", 0 },
    { "elevenlabs-key", "sk_%h{48}", 0 },
    { "e2b-key", "e2b_%h{40}", KIND_LOOSE },
    { "helicone-key", "sk-helicone-%w{20,80}", KIND_LOOSE },
    { "runpod-key", "rpa_%a{40,50}", KIND_LOOSE },
    { "stability-key", "sk-stab-%w{30,80}", KIND_LOOSE },
    { "dify-key", "app-%a{24}", 0 },
    { "databricks-token", "dapi%h{32}-%d", 0 },
    { "databricks-token", "dapi%h{32}", KIND_LOOSE },
    { "databricks-token", "dose%h{32}", 0 },
    { "databricks-token", "dkea%h{32}", 0 },
    { "snowflake-token", "ver:1-hint:%d{1,6}-ETMsDgAAA%b{40,400}%=", 0 },
    { "planetscale-token", "pscale_tkn_%e{32,64}", KIND_LOOSE },
    { "planetscale-token", "pscale_oauth_%e{32,64}", KIND_LOOSE },
    { "planetscale-password", "pscale_pw_%e{32,64}", KIND_LOOSE },
    { "supabase-key", "sbp_%h{40}", KIND_LOOSE },
    { "supabase-key", "sb_secret_%w{22,60}", KIND_LOOSE },
    { "neon-key", "napi_%l{40,80}", KIND_LOOSE },
    { "clickhouse-key", "4b1d%a{38}", 0 },
    { "astra-token", "AstraCS:%a{20,30}:%h{60,68}", 0 },
    { "airtable-token", "pat%a{14}.%h{64}", 0 },
    { "notion-token", "ntn_%a{43,50}", KIND_LOOSE },
    { "notion-token", "secret_%a{43}", 0 },
    { "prefect-key", "pnu_%a{36}", KIND_LOOSE },
    { "prefect-key", "pnb_%a{36}", 0 },
    { "elastic-key", "essu_%b{40,200}%=", 0 },
    { "mapbox-token", "pk.%a{60}.%a{22}", 0 },
    { "mapbox-token", "sk.eyJ1%w{60,120}.%w{22}", 0 },
    { "tinybird-token", "p.eyJ%w{40,200}.%w{30,60}", 0 },
    { "hex-token", "hxtp_%h{64}", 0 },
    /* watch and run */
    { "grafana-key", "eyJrIjoi%a{70,400}%=", 0 },
    { "grafana-cloud-token", "glc_%b{32,400}%=", KIND_LOOSE },
    { "grafana-token", "glsa_%a{32}_%H{8}", KIND_LOOSE },
    { "newrelic-key", "NRAK-%U{27}", KIND_LOOSE },
    { "newrelic-key", "NRAK-%a{27}", KIND_LOOSE },
    { "newrelic-key", "NRII-%w{32}", KIND_LOOSE },
    { "newrelic-key", "NRJS-%h{19}", 0 },
    { "newrelic-key", "NRIQ-%w{32}", KIND_LOOSE },
    { "newrelic-key", "NRAA-%h{27}", 0 },
    { "newrelic-key", "NRRA-%h{42}", 0 },
    { "newrelic-license", "eu01xx%h{34}", 0 },
    { "sentry-token", "sntrys_eyJ%B{30,500}%=_%b{43}", KIND_LOOSE },
    { "sentry-token", "sntryu_%h{64}", KIND_LOOSE },
    { "sentry-token", "sntryi_%h{64}", 0 },
    { "sentry-token", "sntrys_%B{60,500}", KIND_LOOSE },
    { "dynatrace-token", "dt0c01.%a{24}.%a{64}", 0 },
    { "dynatrace-token", "dt0s01.%a{8,24}.%a{64}", 0 },
    { "dynatrace-token", "dt0s02.%a{8,24}.%a{64}", 0 },
    { "dynatrace-token", "dt0s16.%a{8,24}.%a{64}", 0 },
    { "honeycomb-key", "hcaik_%l{58}", KIND_LOOSE },
    { "honeycomb-key", "hcxik_%l{58}", 0 },
    { "honeycomb-key", "hcamk_%l{58}", 0 },
    { "axiom-token", "xaat-%u", KIND_PLAIN },
    { "axiom-token", "xapt-%u", KIND_PLAIN },
    { "pagerduty-key", "u+%w{18}", 0 },
    { "pagerduty-key", "pdus+%w{20,60}", 0 },
    { "posthog-key", "phx_%a{40,50}", KIND_LOOSE },
    { "posthog-key", "phs_%a{40,50}", 0 },
    { "coralogix-key", "cxtp_%a{30}", 0 },
    { "coralogix-key", "cxup_%a{30}", 0 },
    { "vault-token", "hvs.%w{90,120}", KIND_LOOSE },
    { "vault-token", "hvb.%w{138,300}", KIND_LOOSE },
    { "vault-token", "hvr.%w{20,300}", 0 },
    { "vault-token", "s.%a{24}", 0 },
    { "vault-token", "b.AAAAAQ%w{100,300}", 0 },
    { "doppler-token", "dp.pt.%a{40,44}", KIND_LOOSE },
    { "doppler-token", "dp.ct.%a{40,44}", KIND_LOOSE },
    { "doppler-token", "dp.sa.%a{40,44}", KIND_LOOSE },
    { "doppler-token", "dp.said.%a{40,44}", 0 },
    { "doppler-token", "dp.scim.%a{40,44}", 0 },
    { "doppler-token", "dp.audit.%a{40,44}", 0 },
    { "doppler-token", "dp.st.%a{40,44}", KIND_LOOSE },
    { "doppler-token", "dp.st.%w{1,35}.%a{40,44}", 0 },
    { "infisical-token", "st.%h{24}.%h{32}.%h{32}", 0 },
    { "onepassword-key", "A3-%U{6}-%U{11}-%U{5}-%U{5}-%U{5}", 0 },
    { "onepassword-key", "A3-%U{6}-%U{6}-%U{5}-%U{5}-%U{5}-%U{5}", 0 },
    { "onepassword-token", "ops_eyJ%b{100,2000}%=", 0 },
    { "age-key", "AGE-SECRET-KEY-1%q{58}", KIND_LOOSE },
    { "tailscale-key", "tskey-%a{3,12}-%a{8,40}-%a{20,60}", 0 },
    { "tailscale-key", "tskey-%w{20,80}", KIND_LOOSE },
    { "ngrok-token", "ak_%a{27}", 0 },
    { "netbird-token", "nbp_%a{36}", 0 },
    { "defined-networking-token", "dnkey-%e{26}-%e{52}", KIND_LOOSE },
    { "openshift-token", "sha256~%w{43}", 0 },
    { "rancher-token", "kubeconfig-u-%l{5,20}:%l{40,60}", 0 },
    { "rancher-token", "token-%l{5}:%l{54}", 0 },
    { "clerk-key", "sk_live_%a{20,99}", 0 },
    /* money */
    { "stripe-key", "sk_live_%a{10,250}", 0 },
    { "stripe-key", "rk_live_%a{10,250}", 0 },
    { "stripe-key", "sk_test_%a{10,250}", 0 },
    { "stripe-key", "rk_test_%a{10,250}", 0 },
    { "stripe-key", "sk_prod_%a{10,250}", 0 },
    { "stripe-key", "rk_prod_%a{10,250}", 0 },
    { "stripe-webhook-secret", "whsec_%b{24,80}%=", 0 },
    { "stripe-key", "sk_org_%w{20,99}", 0 },
    { "square-token", "EAAA%w{22,60}", 0 },
    { "square-token", "sq0atp-%w{22,60}", KIND_LOOSE },
    { "square-secret", "sq0csp-%w{43,60}", KIND_LOOSE },
    { "square-token", "sq0idp-%w{22}", 0 },
    { "paypal-braintree-token", "access_token$production$%l{16}$%h{32}", 0 },
    { "paypal-braintree-token", "access_token$sandbox$%l{16}$%h{32}", 0 },
    { "plaid-token", "access-production-%u", KIND_PLAIN },
    { "plaid-token", "access-sandbox-%u", KIND_PLAIN },
    { "plaid-token", "access-development-%u", KIND_PLAIN },
    { "adyen-key", "AQE%b{20,250}%=", 0 },
    { "mollie-key", "live_%a{30,40}", 0 },
    { "mollie-key", "test_%a{30,40}", 0 },
    { "gocardless-token", "live_%w{40}", 0 },
    { "gocardless-token", "sandbox_%w{40}", 0 },
    { "lob-key", "live_%h{35}", 0 },
    { "lob-key", "test_%h{35}", 0 },
    { "lob-key", "live_pub_%h{31}", 0 },
    { "lob-key", "test_pub_%h{31}", 0 },
    { "flutterwave-key", "FLWSECK_TEST-%a{32}-X", 0 },
    { "flutterwave-key", "FLWSECK-%a{32}-X", 0 },
    { "flutterwave-key", "FLWPUBK_TEST-%a{32}-X", 0 },
    { "flutterwave-key", "FLWPUBK-%a{32}-X", 0 },
    { "flutterwave-key", "FLWSECK_TEST-%a{12}", 0 },
    { "flutterwave-key", "FLWSECK_TEST%a{12}", 0 },
    { "razorpay-key", "rzp_live_%a{14}", 0 },
    { "razorpay-key", "rzp_test_%a{14}", 0 },
    { "checkout-key", "sk_%u", KIND_PLAIN },
    { "paystack-key", "sk_live_%h{40}", 0 },
    { "paddle-key", "pdl_live_apikey_%w{20,80}", KIND_LOOSE },
    { "paddle-key", "pdl_sdbx_apikey_%w{20,80}", KIND_LOOSE },
    { "duffel-token", "duffel_test_%w{43}", KIND_LOOSE },
    { "duffel-token", "duffel_live_%w{43}", KIND_LOOSE },
    { "easypost-key", "EZAK%a{54}", KIND_LOOSE },
    { "easypost-key", "EZTK%a{54}", KIND_LOOSE },
    { "shippo-token", "shippo_live_%H{40}", KIND_LOOSE },
    { "shippo-token", "shippo_test_%H{40}", KIND_LOOSE },
    { "shopify-token", "shpat_%H{32}", KIND_LOOSE },
    { "shopify-token", "shpca_%H{32}", KIND_LOOSE },
    { "shopify-token", "shppa_%H{32}", KIND_LOOSE },
    { "shopify-secret", "shpss_%H{32}", KIND_LOOSE },
    { "shopify-token", "shpua_%H{32}", 0 },
    { "shopify-token", "shptka_%H{32}", KIND_LOOSE },
    { "freemius-key", "sk_%w{29}", 0 },
    { "coinbase-key", "organizations/%u/apiKeys/%u", KIND_PLAIN },
    { "alchemy-key", "alcht_%a{30}", KIND_LOOSE },
    /* talk and work */
    { "slack-token", "xoxb-%d{8,14}-%w{18,60}", KIND_LOOSE },
    { "slack-token", "xoxp-%w{30,90}", KIND_LOOSE },
    { "slack-token", "xoxa-%w{10,90}", KIND_LOOSE },
    { "slack-token", "xoxr-%w{10,90}", KIND_LOOSE },
    { "slack-token", "xoxs-%w{20,120}", KIND_LOOSE },
    { "slack-token", "xoxo-%w{20,120}", KIND_LOOSE },
    { "slack-token", "xoxc-%w{20,120}", KIND_LOOSE },
    { "slack-cookie", "xoxd-%.{20,300}", KIND_LOOSE },
    { "slack-token", "xoxe.xoxb-%d-%a{150,180}", 0 },
    { "slack-token", "xoxe.xoxp-%d-%a{150,180}", 0 },
    { "slack-token", "xoxe-%w{20,200}", KIND_LOOSE },
    { "slack-app-token", "xapp-%d-%U{8,20}-%d{8,20}-%l{40,80}", KIND_LOOSE },
    { "slack-workflow-token", "xwfp-%w{20,200}", KIND_LOOSE },
    { "sendgrid-key", "SG.%w{22}.%w{43}", KIND_LOOSE },
    { "sendgrid-key", "SG.%e{66}", 0 },
    { "twilio-key", "SK%H{32}", 0 },
    { "twilio-account", "AC%h{32}", 0 },
    { "mailgun-key", "key-%a{32}", 0 },
    { "mailgun-key", "pubkey-%h{32}", 0 },
    { "brevo-key", "xkeysib-%h{64}-%a{16}", KIND_LOOSE },
    { "brevo-key", "xsmtpsib-%h{64}-%a{16}", KIND_LOOSE },
    { "resend-key", "re_%a{8}_%a{24}", 0 },
    { "mailersend-token", "mlsn.%h{64}", KIND_LOOSE },
    { "beamer-key", "b_%e{44}", 0 },
    { "linear-key", "lin_api_%a{40}", KIND_LOOSE },
    { "linear-token", "lin_oauth_%h{64}", KIND_LOOSE },
    { "figma-token", "figd_%w{36,44}", KIND_LOOSE },
    { "figma-token", "figu_%w{36,44}", 0 },
    { "postman-key", "PMAK-%H{24}-%H{34}", KIND_LOOSE },
    { "postman-collection-key", "PMAT-%U{26}", 0 },
    { "asana-token", "0/%h{32}", 0 },
    { "asana-token", "1/%d{10,20}:%h{32}", 0 },
    { "asana-token", "2/%d{10,20}/%d{10,20}:%h{32}", 0 },
    { "trello-token", "ATTA%h{64}%h{8}", 0 },
    { "trello-token", "ATTA%a{60,76}", 0 },
    { "clickup-token", "pk_%d{6,9}_%U{32}", 0 },
    { "typeform-token", "tfp_%e{40,64}", KIND_LOOSE },
    { "contentful-token", "CFPAT-%w{43}", KIND_LOOSE },
    { "sanity-token", "sk%a{80,180}", 0 },
    { "readme-key", "rdme_%l{70}", KIND_LOOSE },
    { "frameio-token", "fio-u-%e{64}", KIND_LOOSE },
    { "dropbox-token", "sl.%w{130,160}", 0 },
    { "dropbox-token", "sl.u.%w{100,1400}", 0 },
    { "hubspot-token", "pat-na1-%u", KIND_PLAIN },
    { "hubspot-token", "pat-na2-%u", KIND_PLAIN },
    { "hubspot-token", "pat-eu1-%u", KIND_PLAIN },
    { "intercom-token", "dG9rO%a{50,60}%=", 0 },
    { "calendly-token", "eyJraWQiOiIxY2UxZ%w{100,2000}.%w{20,2000}.%w{20,1000}", 0 },
    { "calcom-key", "cal_live_%h{32}", KIND_LOOSE },
    { "okta-token", "00%w{40}", 0 },
    { "stytch-secret", "secret-live-%w{20,80}", 0 },
    { "stytch-secret", "secret-test-%w{20,80}", 0 },
    { "authress-key", "sc_%a{5,30}.%a{4,6}.acc_%l{10,32}.%B{30,120}", 0 },
    { "authress-key", "ext_%a{5,30}.%a{4,6}.acc_%l{10,32}.%B{30,120}", 0 },
    { "authress-key", "scauth_%a{5,30}.%a{4,6}.acc_%l{10,32}.%B{30,120}", 0 },
    { "authress-key", "authress_%a{5,30}.%a{4,6}.acc_%l{10,32}.%B{30,120}", 0 },
    { "authress-key", "sc_%a{5,30}.%a{4,6}.acc-%w{10,32}.%B{30,120}", 0 },
    { "intra42-secret", "s-s4t2ud-%h{64}", KIND_LOOSE },
    { "intra42-secret", "s-s4t2af-%h{64}", KIND_LOOSE },
    { "settlemint-token", "sm_aat_%a{16}", 0 },
    { "settlemint-token", "sm_pat_%a{16}", 0 },
    { "settlemint-token", "sm_sat_%a{16}", 0 },
    { "adobe-secret", "p8e-%w{32}", 0 },
    { "adobe-secret", "p8e-%a{32}", 0 },
    { "canva-secret", "cnvca%w{50,60}", 0 },
    { "wakatime-key", "waka_%u", KIND_PLAIN },
    { "ubidots-token", "BBFF-%a{30,34}", 0 },
    { "ubidots-token", "BBUS-%a{30,34}", 0 },
    { "facebook-token", "EAACEdEose0cBA%a{20,250}", 0 },
    { "facebook-token", "EAA%a{60,400}", 0 },
    { "instagram-token", "IGQV%w{60,300}", 0 },
    { "instagram-token", "IGAA%w{60,300}", 0 },
    { "linkedin-secret", "WPL_AP%a{1}.%a{10,20}.%a{5,10}%=", 0 },
    { "linkedin-token", "AQX%w{150,500}", 0 },
    { "twitter-bearer", "AAAAAAAAAAAAAAAAAAAAA%.{60,120}", 0 },
    { "twitch-secret", "oauth:%l{30}", 0 },
    { "discord-webhook", "discord.com/api/webhooks/%d{17,20}/%w{60,72}", 0 },
    { "telegram-token", "bot%d{8,10}:AA%w{33}", 0 },
    { "private-key-jwk", "eyJwcml2YXRlX2tleS%B{40,4000}%=", 0 },
    { "docker-auth", "eyJhdXRocyI6%B{40,4000}%=", 0 },
    { "gitlab-session", "_gitlab_session=%h{32}", 0 },
    { "retool-token", "retool_%w{20,80}", KIND_LOOSE },
    { "putty-key", "PuTTY-User-Key-File-%d: %w{3,40}", KIND_PLAIN },
    { "apify-token", "apify_api_%a{36}", KIND_LOOSE },
    { "scrapfly-key", "scp-live-%h{32}", KIND_LOOSE },
    { "salesforce-token", "00D%a{12,15}!%.{90,130}", 0 },
    { "bitrise-token", "bitpat-%w{43,86}", 0 },
    { "teams-webhook", "webhook.office.com/webhookb2/%u@%u/IncomingWebhook/%h{32}/%u", KIND_PLAIN },
    { "slack-webhook", "hooks.slack.com/services/%B{40,60}", 0 },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A bit for each first three bytes, hashed: a Bloom filter of one function; it lets a word in fifty through. */
uint64_t kind_starts[1024];
static struct { uint16_t key, index; } order[KINDS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int by_key(const void *a, const void *b)
{
    const uint16_t *x = a, *y = b;
    return x[0] != y[0] ? (x[0] < y[0] ? -1 : 1) : x[1] < y[1] ? -1 : x[1] > y[1];
}
static void build(void)
{
    for (size_t k = 0; k < KINDS; k++) {
        const unsigned char *s = (const unsigned char *)kinds[k].shape;
        uint16_t key = (uint16_t)(s[0] << 8 | s[1]);
        order[k].key = key;
        order[k].index = (uint16_t)k;
        /* a class right behind two bytes: anything may follow */
        for (unsigned c = s[2] == '%' ? 0 : s[2]; c <= (s[2] == '%' ? 255u : s[2]); c++) {
            uint16_t at = kind_start_hash(s[0], s[1], c);
            kind_starts[at >> 6] |= UINT64_C(1) << (at & 63);
        }
    }
    qsort(order, KINDS, sizeof *order, by_key);
}
void kind_prepare(void)
{
    pthread_once(&once, build);
}
const struct kind *kind_table(size_t *n)
{
    *n = KINDS;
    return kinds;
}

static bool in_class(char class, unsigned char c)
{
    switch (class) {
    case 'a': return is_alnum(c);
    case 'w': return is_alnum(c) || c == '_' || c == '-';
    case 'e': return is_alnum(c) || c == '_' || c == '-' || c == '=' || c == '.';
    case 'b': return is_alnum(c) || c == '+' || c == '/';
    case 'B': return is_alnum(c) || c == '+' || c == '/' || c == '_' || c == '-';
    case 'd': return is_digit(c);
    case 'h': return is_digit(c) || (c >= 'a' && c <= 'f');
    case 'H': return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
    case 'U': return is_digit(c) || (c >= 'A' && c <= 'Z');
    case 'l': return is_digit(c) || (c >= 'a' && c <= 'z');
    case 'L': return is_alpha(c);
    case '2': return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
    case 'q': return c && strchr("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", c);
    default: return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '`' && c != '<' && c != '>' && c != ',' && c != ';' && c != ')' && c != ']' && c != '}';
    }
}
static unsigned count_of(const char **at)
{
    unsigned n = 0;
    while (is_digit((unsigned char)**at))
        n = n * 10 + (unsigned)(*(*at)++ - '0');
    return n;
}
/* Does the shape stand at i? Its end, or 0. body: where its first class began. A literal that was begun is what makes
 * the start of a kind: literal bytes are asked for through hunt_at as long as they agree. */
static size_t shape_match(struct hunt *h, size_t i, const char *shape, size_t *body, size_t *literal_end)
{
    size_t at = i;
    char last = 0;
    *body = 0;
    *literal_end = 0;
    for (const char *s = shape; *s;) {
        if (*s != '%') {
            if (hunt_at(h, at) != (unsigned char)*s++)
                return 0;
            at++;
            last = 0;
            continue;
        }
        char class = s[1];
        s += 2;
        if (!*body)
            *body = *literal_end = at;
        if (class == 'u') {
            for (size_t k = 0; k < 36; k++) {
                unsigned char c = hunt_at(h, at + k);
                if (k == 8 || k == 13 || k == 18 || k == 23 ? c != '-' : !in_class('H', c))
                    return 0;
            }
            at += 36;
            last = 'H';
            continue;
        }
        if (class == '=') {
            for (size_t k = 0; k < 3 && hunt_at(h, at) == '='; k++)
                at++;
            last = 'a';
            continue;
        }
        unsigned least = 1, most = 1;
        if (*s == '{') {
            s++;
            least = most = count_of(&s);
            if (*s == ',') {
                s++;
                most = count_of(&s);
            }
            s++;
        }
        /* The shape's own next literal ends a run that could swallow it. */
        unsigned n = 0;
        while (n < most && in_class(class, hunt_at(h, at + n)))
            n++;
        if (n < least)
            return 0;
        if (*s && *s != '%' && n > least && in_class(class, (unsigned char)*s) && hunt_at(h, at + n) != (unsigned char)*s) {
            /* give back to the last place where the literal stands */
            size_t rest = strcspn(s, "%");
            while (n > least && !(at + n + rest <= h->text.len && memcmp(h->text.at + at + n, s, rest) == 0))
                n--;
        }
        at += n;
        last = class;
    }
    if (last && last != '.') {
        unsigned char next = hunt_at(h, at);
        if (is_alnum(next) || next == '_' || (in_class(last, next) && next != '-' && next != '/' && next != '.' && next != '=' && next != '+'))
            return 0;
        if (next == '-' && in_class(last, '-') && is_alnum(hunt_at(h, at + 1)))
            return 0;
    }
    return at;
}

static bool has_nocase(struct span s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= s.len; i++)
        if (strncasecmp(s.at + i, word, n) == 0)
            return true;
    return false;
}
bool looks_made_up(struct span b)
{
    if (!b.len)
        return true;
    static const char *const words[] = {
        "example", "exemple", "your_", "your-", "yourkey", "yourtoken", "yourapi", "votre", "placeholder", "changeme", "change_me", "change-me", "replace", "redacted", "dummy", "insert",
        "notreal", "not-a-real", "not_a_real", "fake", "sample", "xxxx", "....", "****", "____", "-----", "1234567890", "0123456789", "abcdefgh", "abcd1234", "qwerty", "deadbeef", "todo", "secret-here",
        "key-here", "token-here", "_here", "-here", "foobar",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_nocase(b, words[i]))
            return true;
    if (b.at[0] == '<' || b.at[0] == '$' || b.at[0] == '{' || b.at[0] == '%' || b.at[0] == '[')
        return true;
    struct makeup m = makeup_of(b);
    return b.len >= 8 && m.distinct <= 3;
}
bool looks_random(struct span s, size_t least)
{
    if (s.len < least || looks_made_up(s))
        return false;
    struct makeup m = makeup_of(s);
    size_t letters = m.lower + m.upper;
    if (!letters)
        return false;
    double bits = entropy_bits(s);
    if (m.is_hex)
        return m.digits >= 1 && letters >= 1 && s.len >= 16 && bits >= 2.8;
    if (m.digits == 0)      /* letters alone: only both cases mixed like no words are */
        return s.len >= 24 && m.upper >= s.len / 5 && m.lower >= s.len / 5 && m.run < 3.4 && bits >= 3.6;
    if (bits < (s.len < 20 ? 2.6 : 3.2))
        return false;
    return m.run <= (m.upper && m.lower ? 2.9 : 3.6) && m.other * 5 <= s.len * 2;
}

size_t kind_match(struct hunt *h, size_t i, const char **name, double *score)
{
    unsigned char a = (unsigned char)h->text.at[i], b = hunt_at(h, i + 1);
    uint16_t key = (uint16_t)(a << 8 | b);
    size_t low = 0, high = KINDS;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (order[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    size_t best = 0;
    for (size_t k = low; k < KINDS && order[k].key == key; k++) {
        const struct kind *kind = &kinds[order[k].index];
        size_t body, literal_end, end = shape_match(h, i, kind->shape, &body, &literal_end);
        double sure = 0.97;
        if (end) {
            struct span inner = span_cut(h->text, body, end);
            if (!(kind->flags & KIND_PLAIN)) {
                struct makeup m = makeup_of(inner);
                size_t prefix = body - i;
                if (looks_made_up(inner) || (m.distinct < 6 && inner.len >= 10) || entropy_bits(inner) < (m.is_hex ? 2.2 : 2.5))
                    continue;
                /* A short prefix says little: then the rest must show that it is no word. */
                if (!(kind->flags & KIND_LOOSE) && ((prefix < 5 && !(prefix == 4 && m.lower == 0 && inner.len == 16)) || memchr(inner.at, '_', inner.len) || memchr(inner.at, '-', inner.len)) && !looks_random(inner, 8))
                    continue;
                if (prefix < 4)
                    sure = 0.8;
            } else if (looks_made_up(inner)) {
                continue;
            }
        } else if (kind->flags & KIND_LOOSE && literal_end) {
            end = literal_end;
            while (in_class('w', hunt_at(h, end)) || (hunt_at(h, end) == '.' && is_alnum(hunt_at(h, end + 1))))
                end++;
            if (end - literal_end < 16 || end - literal_end > 400 || !looks_random(span_cut(h->text, literal_end, end), 16))
                continue;
            sure = 0.75;
        } else {
            continue;
        }
        if (!best || sure > *score + 0.001 || (sure >= *score && end > best)) {
            best = end;
            *name = kind->name;
            *score = sure;
        }
    }
    return best;
}
