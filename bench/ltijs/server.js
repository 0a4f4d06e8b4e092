// The peer: a tool of ltijs that admits resource link launches and keeps its session, on PostgreSQL. Its own defaults, in
// production mode; what bench/launches.py says in the environment is where things are.

const lti = require('ltijs').Provider
const Database = require('ltijs-sequelize')

const { PORT, DATABASE, DATABASE_HOST, DATABASE_USER, PLATFORM, CLIENT_ID, AUTH_URL, TOKEN_URL, KEY_METHOD, KEY } = process.env

async function main () {
  const plugin = new Database(DATABASE, DATABASE_USER, '', {
    host: DATABASE_HOST,
    dialect: 'postgres',
    logging: false,
    pool: { max: 20 } // as many as Workside's for writing; the default of 5 would hold it up
  })
  lti.setup('a key that signs the cookies of this measurement', { plugin }, {
    appRoute: '/lti/launch',
    loginRoute: '/lti/login',
    cookies: { secure: false, sameSite: 'Lax' } // plain http on this machine
  })
  lti.onConnect((token, req, res) => res.send(`Hello ${token.user}`))
  await lti.deploy({ serverless: true, silent: true })
  await lti.registerPlatform({
    url: PLATFORM,
    name: 'bench',
    clientId: CLIENT_ID,
    authenticationEndpoint: AUTH_URL,
    accesstokenEndpoint: TOKEN_URL,
    authConfig: { method: KEY_METHOD, key: KEY }
  })
  lti.app.listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
